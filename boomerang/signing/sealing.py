"""`signature.json`: a statement with its signature, written and read.

The file has one spelling: whatever is not to the byte what `seal` writes is refused, and nothing in it
is left unsigned. The signature is checked before the statement is read.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import Field, ValidationError

from boomerang.errors import BadInput, IntegrityError
from boomerang.safeio import display_name, load_json, read_bytes
from boomerang.signing.keys import PublicKey, Signer, normalized
from boomerang.signing.statement import KIND, Digest, Statement, StrictModel, message, payload_type

MAX_SIGNATURE_BYTES = 16 << 20
ALGORITHM: Final = "ECDSA_SHA_256"


class _Sealed(StrictModel):
    """The content of `signature.json`; `payload` and `signature` are base64."""

    algorithm: Literal["ECDSA_SHA_256"] = ALGORITHM
    format: Literal[1] = 1
    key_id: Digest
    payload: str
    payload_type: Annotated[str, Field(pattern=rf"^application/vnd\.boomerang\.{KIND}\.v1\+json$")]
    signature: str = Field(max_length=128)

    @property
    def text(self) -> bytes:
        """The one text of this content."""
        return json.dumps(self.model_dump(mode="json"), indent=1, sort_keys=True).encode() + b"\n"


def seal(statement: Statement, signer: Signer) -> bytes:
    """Sign a statement and return the content of its `signature.json`.

    Raises
    ------
    BadInput
        If the statement is larger than a reader would take, or a name in it is not Unicode.
    IntegrityError
        If the signer returned something that its own public key does not verify.
    """
    payload, kind_type = _payload(statement), payload_type(statement.kind)
    key = PublicKey.from_der(signer.public_key_der, "the signer's public key")
    signature = _signature(signer, key, message(kind_type, payload))
    sealed = _Sealed(
        key_id=key.key_id,
        payload=base64.b64encode(payload).decode(),
        payload_type=kind_type,
        signature=base64.b64encode(signature).decode(),
    )
    if len(sealed.text) > MAX_SIGNATURE_BYTES:
        why = f"its signature has {len(sealed.text):,} bytes, the limit is {MAX_SIGNATURE_BYTES:,}"
        raise BadInput(f"{statement} cannot be signed", why, "pack its files into fewer")
    return sealed.text


def _payload(statement: Statement) -> bytes:
    try:
        return statement.payload
    except UnicodeEncodeError:
        what = f"{statement} cannot be signed"
        raise BadInput(what, "the name of a file is not UTF-8", "rename the file") from None


def _signature(signer: Signer, key: PublicKey, signed: bytes) -> bytes:
    why = "its public key does not verify what it signed"
    try:
        signature = normalized(signer.sign(signed))
    except ValueError as error:
        signature, why = b"", f"it returned no ECDSA signature ({error})"
    if not key.verifies(signed, signature):
        raise IntegrityError("the signer cannot be used", why, "check which key it signs with")
    return signature


def read_statement(file: Path, trusted_keys: Iterable[PublicKey]) -> Statement:
    """Return what a `signature.json` vouches for; the files it speaks of are not looked at.

    Raises
    ------
    IntegrityError
        If it is missing, malformed, not spelled as `seal` spells it, of a key that is not trusted, or
        its signature does not cover it.
    """
    sealed = _opened(file)
    payload, signature = _decoded(file, sealed.payload), _decoded(file, sealed.signature)
    key = _trusted(file, sealed.key_id, trusted_keys)
    if not key.verifies(message(sealed.payload_type, payload), signature):
        why = f"the signature in {file.name} is not that of key {key.key_id[:12]} over what it covers"
        raise _refused(file, why)
    statement = _statement(file, payload)
    if payload_type(statement.kind) != sealed.payload_type:
        raise _refused(file, f"it is signed as {sealed.payload_type}, but speaks of a {statement.kind}")
    return statement


def _opened(file: Path) -> _Sealed:
    if _missing(file):
        why, do = f"there is no {file.name}", "sign it, or take it from where it was signed"
        raise IntegrityError(f"{file.parent} is not signed", why, do)
    try:
        content = load_json(file, MAX_SIGNATURE_BYTES)
        sealed = _Sealed.model_validate(content)
        spelled = read_bytes(file, MAX_SIGNATURE_BYTES) == sealed.text
    except BadInput as error:
        raise _refused(file, error.why) from None
    except ValidationError as error:
        raise _refused(file, _first(error)) from None
    if not spelled:
        raise _refused(file, "its content is not spelled as a signer spells it")
    return sealed


def _missing(file: Path) -> bool:
    try:
        file.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False  # it may be there; reading it says what is wrong
    return False


def _decoded(file: Path, text: str) -> bytes:
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError:
        raise _refused(file, "it holds text that is no base64") from None
    if base64.b64encode(data).decode() != text:  # the last letter has bits that decode to nothing
        raise _refused(file, "it holds base64 that is not in its one form")
    return data


def _trusted(file: Path, key_id: str, trusted_keys: Iterable[PublicKey]) -> PublicKey:
    keys = {key.key_id: key for key in trusted_keys}
    if key_id not in keys:
        known = ", ".join(sorted(k[:12] for k in keys)) or "none"
        why = f"it is signed with key {key_id[:12]}, which is not trusted (trusted: {known})"
        do = "take it from somebody whom you trust; or, if you trust that key, name it"
        raise IntegrityError(f"{file.parent} cannot be trusted", why, do)
    return keys[key_id]


def _statement(file: Path, payload: bytes) -> Statement:
    try:
        statement = Statement.model_validate(json.loads(payload))
        canonical = statement.payload == payload
    except ValidationError as error:
        raise _refused(file, f"its statement is malformed: {_first(error)}") from None
    except (ValueError, RecursionError):
        raise _refused(file, "its statement is no JSON") from None
    if not canonical:
        raise _refused(file, "its statement is not canonical JSON")
    return statement


def _first(error: ValidationError) -> str:
    first = error.errors()[0]
    return display_name(f"{'.'.join(map(str, first['loc']))}: {first['msg']}")


def _refused(file: Path, why: str) -> IntegrityError:
    return IntegrityError(
        f"{file} does not verify", why, "take it from where it was signed, or sign it again"
    )
