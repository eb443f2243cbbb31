"""`signature.json`: sealed once, read in that one spelling only."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from helpers.signing_cases import Key, fresh_key

from boomerang.digest import canonical_json
from boomerang.errors import BadInput, IntegrityError
from boomerang.signing import MAX_SIGNATURE_BYTES, Signer, Statement, read_statement, seal, sealing
from boomerang.signing.keys import normalized
from boomerang.signing.statement import message, payload_type

# The name makes its base64 end in padding.
STATEMENT = Statement(kind="dataset", name="small", digest="d" * 64, subjects={"x.npy": "0" * 64})


@pytest.fixture
def key(tmp_path: Path) -> Key:
    return fresh_key(tmp_path)


@pytest.fixture
def file(tmp_path: Path, key: Key) -> Path:
    (tmp_path / "signature.json").write_bytes(seal(STATEMENT, key.signer))
    return tmp_path / "signature.json"


def rewrite(file: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change the content and spell it as a signer does."""
    content = json.loads(file.read_bytes())
    change(content)
    file.write_bytes(json.dumps(content, indent=1, sort_keys=True).encode() + b"\n")


def signed(key: Key, payload: bytes, kind: str = "dataset") -> Callable[[dict[str, Any]], object]:
    """Put in any payload, with a good signature of a trusted key."""
    signature = normalized(key.signer.sign(message(payload_type(kind), payload)))
    return lambda content: content.update(
        payload=base64.b64encode(payload).decode(),
        payload_type=payload_type(kind),
        signature=base64.b64encode(signature).decode(),
    )


def test_what_is_sealed_is_read_back(file: Path, key: Key, tmp_path: Path) -> None:
    assert read_statement(file, [key.public]) == STATEMENT
    other = fresh_key(tmp_path, "other.pem").public
    assert read_statement(file, [other, key.public]) == STATEMENT
    assert read_statement(file, iter([key.public])) == STATEMENT


def test_sealing_twice_gives_the_same_bytes(key: Key) -> None:
    assert seal(STATEMENT, key.signer) == seal(STATEMENT, key.signer)


@dataclass(frozen=True)
class OddSigner:
    """A signer that does something to what it returns."""

    inner: Signer
    odd: Callable[[bytes], bytes]
    other: Signer | None = None

    @property
    def public_key_der(self) -> bytes:
        return (self.other or self.inner).public_key_der

    def sign(self, message: bytes) -> bytes:
        return self.odd(self.inner.sign(message))


def flipped(signature: bytes) -> bytes:
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    r, s = decode_dss_signature(signature)
    return encode_dss_signature(r, order - s)


def test_a_signer_may_return_either_half(key: Key) -> None:
    assert seal(STATEMENT, OddSigner(key.signer, flipped)) == seal(STATEMENT, key.signer)


def test_a_signature_that_does_not_verify_is_never_written(key: Key, tmp_path: Path) -> None:
    other = fresh_key(tmp_path, "other.pem").signer
    with pytest.raises(IntegrityError, match="does not verify what it signed"):
        seal(STATEMENT, OddSigner(key.signer, bytes, other))
    for broken in (b"", b"\x30\x00", b"no DER"):
        with pytest.raises(IntegrityError, match="no ECDSA signature"):
            seal(STATEMENT, OddSigner(key.signer, lambda _, broken=broken: broken))


def test_a_missing_signature_is_named(tmp_path: Path, key: Key) -> None:
    with pytest.raises(IntegrityError, match=r"is not signed: there is no signature\.json") as refusal:
        read_statement(tmp_path / "signature.json", [key.public])
    assert refusal.value.exit_code == 4 and refusal.value.do


def test_another_key_is_not_trusted(file: Path, key: Key, tmp_path: Path) -> None:
    other = fresh_key(tmp_path, "other.pem").public
    names = f"{key.public.key_id[:12]}, which is not trusted .trusted: {other.key_id[:12]}"
    with pytest.raises(IntegrityError, match=names):
        read_statement(file, [other])
    with pytest.raises(IntegrityError, match="trusted: none"):
        read_statement(file, [])


def test_the_id_of_a_trusted_key_does_not_help_another(file: Path, key: Key, tmp_path: Path) -> None:
    other = fresh_key(tmp_path, "other.pem").public
    rewrite(file, lambda content: content.update(key_id=other.key_id))
    with pytest.raises(IntegrityError, match="not that of key"):
        read_statement(file, [key.public, other])


def test_a_statement_is_not_replayed_as_another_kind(file: Path, key: Key) -> None:
    rewrite(file, lambda content: content.update(payload_type=payload_type("model")))
    with pytest.raises(IntegrityError, match="not that of key"):
        read_statement(file, [key.public])


def test_a_signer_that_mixes_up_kinds_is_not_believed(file: Path, key: Key) -> None:
    rewrite(file, signed(key, STATEMENT.payload, "model"))
    with pytest.raises(IntegrityError, match="speaks of a dataset"):
        read_statement(file, [key.public])


@pytest.mark.parametrize(
    ("payload", "word"),
    [
        (STATEMENT.payload + b"\n", "not canonical"),
        (json.dumps(json.loads(STATEMENT.payload)).encode(), "not canonical"),
        (STATEMENT.payload.replace(b'"kind":', b'"kind":"model","kind":'), "not canonical"),
        (STATEMENT.payload.replace(b"small", b"sm\\u0061ll"), "not canonical"),
        (canonical_json(STATEMENT.model_dump(mode="json", exclude={"predicate"})), "not canonical"),
        (STATEMENT.payload.replace(b'"format":1', b'"format":1.0'), "not canonical"),
        (STATEMENT.payload.replace(b'"format":1', b'"format":true'), "not canonical"),
        (STATEMENT.payload.replace(b'"format":1', b'"format":NaN'), "malformed"),
        (STATEMENT.payload.replace(b'"format":1', b'"format":1,"more":0'), "malformed"),
        (b"[" * 100_000, "no JSON"),
        (b"1" * 5000, "no JSON"),
        (b"\xff", "no JSON"),
        (b"", "no JSON"),
        (b"null", "malformed"),
    ],
)
def test_even_a_trusted_signer_must_spell_it_so(file: Path, key: Key, payload: bytes, word: str) -> None:
    rewrite(file, signed(key, payload))
    with pytest.raises(IntegrityError, match=word):
        read_statement(file, [key.public])


def test_the_file_has_one_spelling(file: Path, key: Key) -> None:
    good = file.read_bytes()
    content = json.loads(good)
    for other in (
        b"\xef\xbb\xbf" + good,
        good + b"\n",
        good.rstrip(),
        good.replace(b"\n", b"\r\n"),
        canonical_json(content),
        good.replace(b'"format": 1', b'"format": 1.0'),
        good.replace(b'"format": 1', b'"format": true'),
        good.replace(b"ECDSA", b"\\u0045CDSA"),
        good.replace(b'"format": 1,', b'"format": 1,\n "format": 1,'),
        json.dumps(dict(reversed(content.items())), indent=1).encode() + b"\n",
    ):
        assert other != good
        file.write_bytes(other)
        with pytest.raises(IntegrityError, match="does not verify"):
            read_statement(file, [key.public])
    file.write_bytes(good)
    read_statement(file, [key.public])


def last_bits(text: str) -> str:
    """Change the bits of the last base64 letter that decode to nothing."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    body = text.rstrip("=")
    assert body != text, "there are such bits only where there is padding"
    return body[:-1] + letters[letters.index(body[-1]) ^ 1] + text[len(body) :]


def test_base64_has_one_spelling(file: Path, key: Key) -> None:
    content = json.loads(file.read_bytes())
    text = content["payload"]
    for other in (last_bits(text), text + "\n", text.rstrip("="), " " + text, text + "====", text[:9] + "\n"):
        rewrite(file, lambda content, other=other: content.update(payload=other))
        with pytest.raises(IntegrityError, match="base64"):
            read_statement(file, [key.public])


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda c: c.update(more=1), "more"),
        (lambda c: c.pop("key_id"), "key_id"),
        (lambda c: c.update(algorithm="ECDSA_SHA_512"), "algorithm"),
        (lambda c: c.update(algorithm="none"), "algorithm"),
        (lambda c: c.update(format=2), "format"),
        (lambda c: c.update(payload_type="application/json"), "payload_type"),
        (lambda c: c.update(signature=None), "signature"),
        (lambda c: c.update({"\x1b[31m": 1}), r"\\x1b"),
    ],
)
def test_another_content_is_refused(
    file: Path, key: Key, change: Callable[[dict[str, Any]], object], word: str
) -> None:
    rewrite(file, change)
    with pytest.raises(IntegrityError, match=word):
        read_statement(file, [key.public])


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b"[" * 100_000, b'{"a": 1e999}'])
def test_what_is_no_such_file_is_refused(file: Path, key: Key, content: bytes) -> None:
    file.write_bytes(content)
    with pytest.raises(IntegrityError, match="does not verify"):
        read_statement(file, [key.public])


def test_a_file_that_is_too_large_is_not_read(file: Path, key: Key) -> None:
    with file.open("r+b") as stream:
        stream.truncate(MAX_SIGNATURE_BYTES + 1)
    with pytest.raises(IntegrityError, match="the limit is"):
        read_statement(file, [key.public])


def test_what_could_not_be_read_is_not_sealed(key: Key, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "MAX_SIGNATURE_BYTES", 500)
    with pytest.raises(BadInput, match="the limit is 500"):
        seal(STATEMENT, key.signer)


def test_a_folder_in_its_place_is_refused(file: Path, key: Key) -> None:
    file.unlink()
    file.mkdir()
    with pytest.raises(IntegrityError, match="it is a folder"):
        read_statement(file, [key.public])
