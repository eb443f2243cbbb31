"""Objects in the data bucket, each below a key that names its content, so that one that is there stays.

An object that is there is held against the content by the SHA-256 that S3 keeps of it: who can write to the
bucket could have put other data, or another definition, under a name that looks right. And a job reads
whatever lies below the name of an input, so nothing else may lie there. (It holds all of it against the same
digest itself, see `boomerang.contract`; here it is found before anything is started, and by name.)
"""

from __future__ import annotations

import base64
import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from aws.account import Account
from boomerang.digest import sha256_bytes, sha256_file
from boomerang.errors import BadInput, IntegrityError

# Of one PutObject request. Source: S3 User Guide, "Uploading objects".
MAX_OBJECT_BYTES = 5 * 1024**3

# The part of a key that is an input's address.
_INPUT = re.compile(r".*?/inputs/(?:given/)?[0-9a-f]{64}(?=/)")
_SHOWN = 10

REJECT_CODE = Path(__file__).with_name("reject") / "handler.py"
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip can hold


@dataclass(frozen=True)
class Uploaded:
    """How many objects were put, and how many were there already."""

    put: int = 0
    kept: int = 0

    def __add__(self, other: Uploaded) -> Uploaded:
        return Uploaded(self.put + other.put, self.kept + other.kept)


@dataclass(frozen=True)
class Place:
    """The data bucket of a stack, and the key that everything in it is encrypted with."""

    account: Account
    bucket: str
    kms_key: str

    def upload(self, staged: Mapping[str, Path | bytes]) -> Uploaded:
        """Put what is not there yet.

        Parameters
        ----------
        staged : mapping of address to Path or bytes
            As `pipelines.campaign.staging` has it: a Path is a file, or a whole folder whose files go below
            the
            address. Every address is in this bucket and names the content.

        Raises
        ------
        BadInput
            If a file lies in a folder `runs`, below which the bucket takes nothing but from jobs.
        IntegrityError
            If another content lies under a name, or something below the name of an input that is none of it;
            nothing is put then.
        AwsError
            If S3 refuses. What was put before stays, and is not put again.
        """
        wanted: dict[str, Path | bytes] = {}
        for address, content in staged.items():
            wanted.update(_files(address.removeprefix(f"s3://{self.bucket}/"), content))
        _check_names(wanted)
        checksums = {key: _checksum(content) for key, content in wanted.items()}
        there = {key: self.account.stored(self.bucket, key) for key in wanted}
        changed = [key for key, known in there.items() if known not in (None, checksums[key])]
        self._refuse([*changed, *self._added(wanted)])
        missing = [key for key, known in there.items() if known is None]
        for key in missing:
            self._put(key, wanted[key], checksums[key])
        return Uploaded(put=len(missing), kept=len(wanted) - len(missing))

    def _added(self, wanted: Mapping[str, Path | bytes]) -> list[str]:
        """Return the keys of objects that a job would find among its inputs and that are none of them.

        SageMaker takes every key that begins as the address does, so `inputs/DIGEST-2/x` is looked for too.
        """
        inputs = sorted({found[0] for key in wanted if (found := _INPUT.match(key))})
        return [key for each in inputs for key in self.account.keys(self.bucket, each) if key not in wanted]

    def _refuse(self, keys: Sequence[str]) -> None:
        if not keys:
            return
        shown = [f"s3://{self.bucket}/{key}" for key in keys[:_SHOWN]]
        more = [f"and {len(keys) - _SHOWN} more"] if len(keys) > _SHOWN else []
        why = "\n  ".join(["another content lies there than the name says, or nothing may:", *shown, *more])
        do = "find out who wrote it (the log bucket says), delete it, and deploy again"
        raise IntegrityError("the data bucket is not as it was left", why, do)

    def _put(self, key: str, content: Path | bytes, checksum: str) -> None:
        if isinstance(content, bytes):
            self.account.store(self.bucket, key, content, checksum=checksum, kms_key=self.kms_key)
            return
        if (size := content.stat().st_size) > MAX_OBJECT_BYTES:
            why = f"it has {size:,} bytes, S3 takes {MAX_OBJECT_BYTES:,} at once"
            raise BadInput(f"{content}", why, "split it")
        with content.open("rb") as stream:
            self.account.store(self.bucket, key, stream, checksum=checksum, kms_key=self.kms_key)


def _check_names(keys: Iterable[str]) -> None:
    """Refuse what the bucket's policy would: its patterns run over slashes."""
    for key in keys:
        if "/runs/" in key:
            what = f"a folder named `runs`: {key.partition('/inputs/')[2].partition('/')[2]}"
            raise BadInput(
                what, "on AWS what lies in one is taken from the pipeline's jobs alone", "rename it"
            )


def _checksum(content: Path | bytes) -> str:
    """Return the SHA-256 of a content in base64, as S3 has it."""
    digest = sha256_bytes(content) if isinstance(content, bytes) else sha256_file(content)
    return base64.b64encode(bytes.fromhex(digest)).decode()


def _files(key: str, content: Path | bytes) -> Iterator[tuple[str, Path | bytes]]:
    """Yield each object's key and content."""
    if isinstance(content, bytes) or content.is_file():
        yield key, content
        return
    for path in sorted(each for each in content.rglob("*") if each.is_file()):
        yield f"{key}/{path.relative_to(content).as_posix()}", path


def named(prefix: str, content: bytes, suffix: str) -> str:
    """Return a key that holds the content's digest: `PREFIX` + sha256 + `SUFFIX`."""
    return f"{prefix}{sha256_bytes(content)}{suffix}"


def reject_code(path: Path = REJECT_CODE) -> bytes:
    """Return the function's code as a zip; the same source gives the same bytes, anywhere and at any time.

    Nothing is compressed: what zlib makes of it differs from version to version.
    """
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        info = zipfile.ZipInfo(path.name, date_time=_EPOCH)
        info.external_attr = 0o100644 << 16  # Lambda runs it as another user, who has to read it
        info.create_system = 3
        archive.writestr(info, path.read_bytes())
    return packed.getvalue()
