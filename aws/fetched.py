"""Data in S3, brought here once: kept under the digest of what the bucket says of each object."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any

from aws.client import asking
from boomerang.digest import sha256_bytes
from boomerang.errors import BadInput, ConfigError
from boomerang.shown import display_name

SCHEME = "s3://"
# Where the objects are kept, from the working directory: in the cache that runs use.
PLACE = Path("runs") / "cache" / "s3"
LIMIT_ENV = "BOOMERANG_MOST_S3_GB"
_MOST_GB, _MOST_OBJECTS = 20, 1_000_000


@dataclass(frozen=True)
class _Object:
    key: str
    name: str
    etag: str
    bytes: int


def fetched(address: str, place: Path = PLACE) -> Path:
    """Return where an object, or all objects below a prefix, lie on this machine, brought here if need be.

    Parameters
    ----------
    address : str
        `s3://bucket/key` or `s3://bucket/prefix`.
    place : Path
        What is fetched is kept below it, by key, size and ETag of every object.

    Raises
    ------
    ConfigError
        If the address is none, nothing is there, or it is more than the limit.
    BadInput
        If a key cannot be the name of a file.
    AwsError
        If AWS refuses, or cannot be reached.
    """
    bucket, _, prefix = address.removeprefix(SCHEME).partition("/")
    prefix = prefix.rstrip("/")
    if not bucket or any(part in (".", "..") for part in prefix.split("/")):
        raise ConfigError(f"'{address}'", "it is no s3://bucket/prefix", "correct the address")
    service = _service(address)
    objects = _listed(service, bucket, prefix, address)
    _check_size(objects, address)
    listing = f"{prefix}\n" + "".join(f"{each.name}\0{each.bytes}\0{each.etag}\n" for each in objects)
    home = place.resolve() / sha256_bytes(listing.encode())
    # The data is called as its place in the bucket, and what reads it may go by the ending.
    name = PurePosixPath(prefix).name or bucket
    if not home.is_dir():
        place.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=place) as scratch:
            for each in objects:
                target = Path(scratch) / "whole" / (name if each.key == prefix else f"{name}/{each.name}")
                target.parent.mkdir(parents=True, exist_ok=True)
                with asking("s3:GetObject", f"{SCHEME}{bucket}/{each.key}"):
                    service.download_file(bucket, each.key, str(target))
            shutil.move(Path(scratch) / "whole", home)
    return home / name


def _service(address: str) -> Any:
    import boto3

    with asking("s3:ListBucket", address):
        return boto3.client("s3")


def _listed(service: Any, bucket: str, prefix: str, address: str) -> list[_Object]:
    """Return the object at a prefix, or those below it, in the order of their keys."""
    found: list[_Object] = []
    with asking("s3:ListBucket", address):
        for page in service.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            for each in page.get("Contents", ()):
                key = each["Key"]
                if key == prefix and not key.endswith("/"):
                    return [_Object(key, PurePosixPath(key).name, each["ETag"], each["Size"])]
                below = key.removeprefix(f"{prefix}/" if prefix else "")
                if (key.startswith(f"{prefix}/") or not prefix) and not key.endswith("/"):
                    found.append(_Object(key, _file_name(below), each["ETag"], each["Size"]))
            if len(found) > _MOST_OBJECTS:
                why = f"there are more than {_MOST_OBJECTS:,} objects"
                raise ConfigError(f"'{address}'", why, "name a longer prefix")
    if not found:
        raise ConfigError(f"'{address}'", "there is no object", "correct the bucket or the prefix")
    return found


def _file_name(key: str) -> str:
    """Return a key as the name of a file below a folder; raises BadInput where it leads elsewhere."""
    if any(part in ("", ".", "..") for part in key.split("/")) or "\0" in key or "\\" in key:
        raise BadInput(
            f"the object '{display_name(key)}'", "its key can be no file", "rename it, or name another"
        )
    return key


def _check_size(objects: list[_Object], address: str) -> None:
    said = os.environ.get(LIMIT_ENV, str(_MOST_GB))
    try:
        most = float(said)
    except ValueError:
        raise ConfigError(f"{LIMIT_ENV}={said}", "it is no number", "give gigabytes, as in 50") from None
    size = sum(each.bytes for each in objects)
    if size > most * 1e9:
        why = f"its {len(objects):,} objects are {size / 1e9:,.3g} GB, and {most:g} GB are fetched at most"
        do = f"name a longer prefix, or raise the limit: {LIMIT_ENV}={-(-size // 10**9)}"
        raise ConfigError(f"'{address}'", why, do)
