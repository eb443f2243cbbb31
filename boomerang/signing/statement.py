"""What is signed: a statement about files, as canonical JSON, and the bytes that a signer sees of it.

They are the pre-authentication encoding of DSSE v1 (https://github.com/secure-systems-lab/dsse,
protocol.md) of the statement's type and its text. The type carries the kind, so that what was signed
of a dataset never passes for a model.
"""

from __future__ import annotations

import hashlib
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from boomerang.digest import canonical_json
from boomerang.safeio import display_name

KIND = r"[a-z][a-z0-9-]{0,31}"

Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Kind = Annotated[str, Field(pattern=rf"^{KIND}$")]


class StrictModel(BaseModel):
    """Refuses unknown keys, and values that would have to be converted."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Predicate(StrictModel):
    """What a statement says about how its subjects came to be.

    Attributes
    ----------
    parents : mapping
        Digest of each signed thing it was made from.
    aliases : list of str
        Other digests that children may know it by: a screen names its model by the weights.
    config, code, image : str or None
        Digests of the settings, the source and the container image that it was made with.
    by, at : str or None
        Who signed, and when (ISO 8601, UTC). Left out, the same content has the same signature file.
    """

    parents: dict[str, Digest] = {}
    aliases: list[Digest] = []
    config: Digest | None = None
    code: Digest | None = None
    image: Digest | None = None
    by: str | None = None
    at: str | None = None


class Statement(StrictModel):
    """What a signature vouches for.

    Attributes
    ----------
    kind : str
        `dataset`, `pictures`, `screen`, ... as in the manifest, or `model` or `package`.
    name : str
        What people call it.
    digest : str
        What children name it by: of a committed folder the manifest's digest, of a model the sha256
        of `model.tar.gz`, of a package that of `package.json`.
    subjects : mapping
        The sha256 of every file, by its name relative to the folder.
    predicate : Predicate
    """

    format: Literal[1] = 1
    kind: Kind
    name: str = Field(min_length=1, max_length=256)
    digest: Digest
    subjects: dict[str, Digest] = Field(min_length=1)
    predicate: Predicate = Predicate()

    def __str__(self) -> str:
        return f"{self.kind} '{display_name(self.name)}' ({self.digest[:12]})"

    @property
    def payload(self) -> bytes:
        """The bytes that are signed, as canonical JSON.

        Raises
        ------
        UnicodeEncodeError
            If a name is not Unicode, as that of a file whose name is not UTF-8.
        """
        # Not mode="json", which would make one and the same name of all that are not Unicode.
        return canonical_json(self.model_dump())


def payload_type(kind: str) -> str:
    """Return the type that a statement of a kind is signed as."""
    return f"application/vnd.boomerang.{kind}.v1+json"


def message(kind_type: str, payload: bytes) -> bytes:
    """Return the 32 bytes that a signer signs for a payload of a type.

    It is the SHA-256 of DSSE's pre-authentication encoding, and the signer hashes it once more. KMS
    takes messages of 4,096 bytes at most, which a folder of forty files exceeds; handed over as the
    digest that it is (MessageType=DIGEST) it would be hashed once only, but then what the tests
    sign through moto, which gets DIGEST wrong, would not be what AWS signs. As a plain message it is
    signed alike by AWS, by moto and by a local key.
    """
    name = kind_type.encode()
    return hashlib.sha256(b"DSSEv1 %d %s %d %s" % (len(name), name, len(payload), payload)).digest()
