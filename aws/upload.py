"""Objects in the data bucket, each below a key that names its content, so that one that is there stays.

An object that is there is held against the content by the SHA-256 that S3 keeps of it: who can write to the
bucket could have put other data, or another definition, under a name that looks right.
"""

from __future__ import annotations

import base64
import io
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from aws.account import Account
from boomerang.digest import sha256_bytes, sha256_file
from boomerang.errors import BadInput, IntegrityError

# Of one PutObject request. Source: S3 User Guide, "Uploading objects".
MAX_OBJECT_BYTES = 5 * 1024**3

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
        IntegrityError
            If another content lies under a name.
        AwsError
            If S3 refuses. What was put before stays, and is not put again.
        """
        done = Uploaded()
        for address, content in staged.items():
            key = address.removeprefix(f"s3://{self.bucket}/")
            for name, part in _files(key, content):
                done += self._one(name, part)
        return done

    def _one(self, key: str, content: Path | bytes) -> Uploaded:
        digest = bytes.fromhex(sha256_bytes(content) if isinstance(content, bytes) else sha256_file(content))
        checksum = base64.b64encode(digest).decode()
        there = self.account.stored(self.bucket, key)
        if there == checksum:
            return Uploaded(kept=1)
        if there:
            why = "another content lies there, and the name says which one it must be"
            do = "find out who wrote it (the log bucket says), delete it, and deploy again"
            raise IntegrityError(f"s3://{self.bucket}/{key}", why, do)
        self._put(key, content, checksum)
        return Uploaded(put=1)

    def _put(self, key: str, content: Path | bytes, checksum: str) -> None:
        if isinstance(content, bytes):
            self.account.store(self.bucket, key, content, checksum=checksum, kms_key=self.kms_key)
            return
        if (size := content.stat().st_size) > MAX_OBJECT_BYTES:
            why = f"it has {size:,} bytes, S3 takes {MAX_OBJECT_BYTES:,} at once"
            raise BadInput(f"{content}", why, "split it")
        with content.open("rb") as stream:
            self.account.store(self.bucket, key, stream, checksum=checksum, kms_key=self.kms_key)


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
