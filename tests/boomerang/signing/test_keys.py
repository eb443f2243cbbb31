"""Keys and their files, and signatures of which there is one encoding only."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from helpers.ranges import ROOT
from helpers.signing_cases import Key, fresh_key

from boomerang.errors import BadInput
from boomerang.signing import LocalSigner, PublicKey, new_key
from boomerang.signing.keys import MAX_KEY_BYTES, normalized

ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
Encoding, Public, Private = serialization.Encoding, serialization.PublicFormat, serialization.PrivateFormat


@pytest.fixture
def key(tmp_path: Path) -> Key:
    return fresh_key(tmp_path)


def private_pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, password: bytes = b"") -> bytes:
    lock = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    return key.private_bytes(Encoding.PEM, Private.PKCS8, lock)


def test_what_a_key_signs_its_public_half_verifies(key: Key) -> None:
    signature = normalized(key.signer.sign(b"message"))
    assert key.public.verifies(b"message", signature)
    assert not key.public.verifies(b"messagf", signature)
    assert key.public.der == key.signer.public_key_der


def test_another_key_does_not_verify(key: Key, tmp_path: Path) -> None:
    other = fresh_key(tmp_path, "other.pem")
    assert not other.public.verifies(b"message", normalized(key.signer.sign(b"message")))
    assert other.public.key_id != key.public.key_id


def test_the_same_message_gets_the_same_signature(key: Key) -> None:
    assert key.signer.sign(b"message") == key.signer.sign(b"message")


def test_of_the_two_halves_the_lower_alone_verifies(key: Key) -> None:
    halves = set()
    for number in range(20):
        signed = f"message {number}".encode()
        r, s = decode_dss_signature(key.signer.sign(signed))
        low, high = (encode_dss_signature(r, half) for half in sorted((s, ORDER - s)))
        assert key.public.verifies(signed, low) and not key.public.verifies(signed, high)
        assert normalized(low) == normalized(high) == low
        halves.add(s > ORDER // 2)
    assert halves == {True, False}, "the signer was asked often enough to return both"


def sequence(*integers: bytes) -> bytes:
    """DER of a sequence of integers, whose bytes are taken as they are."""
    body = b"".join(bytes([0x02, len(integer)]) + integer for integer in integers)
    return bytes([0x30, len(body)]) + body


def reencoded(signature: bytes) -> dict[str, bytes]:
    """The same (r, s) as lax readers of DER would take it."""
    r, s = decode_dss_signature(signature)
    body, plain = signature[2:], [number.to_bytes(32, "big") for number in (r, s)]
    ways = {
        "a length in two bytes": bytes([0x30, 0x81, len(body)]) + body,
        "an indefinite length": b"\x30\x80" + body + b"\0\0",
        "leading zeros": sequence(*(b"\0\0" + number for number in plain)),
        "bytes behind it": signature + b"\0",
        "bytes inside it": bytes([0x30, len(body) + 2]) + body + b"\x05\0",
        "no DER": b"".join(plain),
        "nothing": b"",
    }
    if r >> 255:  # the zero before it says that it is positive
        ways["no zero before r"] = sequence(*plain)
    return ways


def test_no_other_encoding_verifies(key: Key) -> None:
    tried = set()
    for number in range(40):
        signed = f"message {number}".encode()
        signature = normalized(key.signer.sign(signed))
        for name, other in reencoded(signature).items():
            tried.add(name)
            assert other != signature, name
            assert not key.public.verifies(signed, other), name
    assert len(tried) == 8


@pytest.mark.parametrize("numbers", [(0, 1), (1, 0), (ORDER, 1), (1, ORDER), (0, 0)])
def test_numbers_out_of_range_do_not_verify(key: Key, numbers: tuple[int, int]) -> None:
    assert not key.public.verifies(b"message", encode_dss_signature(*numbers))


def test_a_new_key_is_its_owners_alone_and_is_not_written_over(tmp_path: Path) -> None:
    new_key(tmp_path / "key.pem")
    assert stat.S_IMODE((tmp_path / "key.pem").stat().st_mode) == 0o600
    before = (tmp_path / "key.pem").read_bytes()
    with pytest.raises(BadInput, match="it exists"):
        new_key(tmp_path / "key.pem")
    assert (tmp_path / "key.pem").read_bytes() == before


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o620, 0o601, 0o777])
def test_a_key_that_others_can_use_is_refused(tmp_path: Path, mode: int) -> None:
    new_key(tmp_path / "key.pem")
    (tmp_path / "key.pem").chmod(mode)
    with pytest.raises(BadInput, match=r"its mode is 0\d\d\d.*\n.*chmod 600"):
        LocalSigner.open(tmp_path / "key.pem")


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "empty"),
        (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "no private key"),
        (private_pem(ec.generate_private_key(ec.SECP384R1())), "not on the curve P-256"),
        (private_pem(ec.generate_private_key(ec.SECP256K1())), "not on the curve P-256"),
        (private_pem(ec.generate_private_key(ec.SECP256R1()), b"secret"), "encrypted"),
        (b"x" * (MAX_KEY_BYTES + 1), "limit"),
    ],
)
def test_a_file_that_is_no_such_key_is_refused(tmp_path: Path, content: bytes, word: str) -> None:
    (tmp_path / "key.pem").write_bytes(content)
    (tmp_path / "key.pem").chmod(0o600)
    with pytest.raises(BadInput, match=word) as refusal:
        LocalSigner.open(tmp_path / "key.pem")
    assert "AAAA" not in str(refusal.value), "what is in the file may be secret"


def test_a_private_key_shows_nothing_of_itself(key: Key) -> None:
    assert repr(key.signer) == "LocalSigner()"


def test_a_public_key_survives_its_file(key: Key, tmp_path: Path) -> None:
    key.public.write(tmp_path / "key.pub.pem")
    assert PublicKey.read(tmp_path / "key.pub.pem") == key.public == PublicKey.from_der(key.public.der)


def test_what_is_no_public_key_is_refused(key: Key, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no public key"):
        PublicKey.read(tmp_path / "key.pem")
    with pytest.raises(BadInput, match="no public key"):
        PublicKey.from_der(key.public.der[:-1])
    other = ec.generate_private_key(ec.SECP384R1()).public_key()
    with pytest.raises(BadInput, match="P-256"):
        PublicKey.from_der(other.public_bytes(Encoding.DER, Public.SubjectPublicKeyInfo))


def test_a_key_has_one_encoding_and_so_one_id(key: Key) -> None:
    loaded = serialization.load_der_public_key(key.public.der)
    assert isinstance(loaded, ec.EllipticCurvePublicKey)
    point = loaded.public_bytes(Encoding.X962, Public.CompressedPoint)
    compressed = b"\x30\x39" + key.public.der[2:23] + b"\x03\x22\x00" + point
    serialization.load_der_public_key(compressed)
    with pytest.raises(BadInput, match="not the usual one"):
        PublicKey.from_der(compressed)


def test_importing_it_takes_no_cryptography() -> None:
    code = "import sys, boomerang.signing, aws.jobs.kms; print('cryptography' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
