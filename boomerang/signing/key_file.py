"""Signing with a key file of one's own: made here, and refused where others can read it."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from boomerang.errors import BadInput
from boomerang.safeio import read_bytes
from boomerang.signing.keys import MAX_KEY_BYTES, PublicKey, give, loaded, public_bytes

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


@dataclass(frozen=True)
class LocalSigner:
    """Signs with a private key from a file; make it with `open`."""

    _key: EllipticCurvePrivateKey = field(repr=False)

    @classmethod
    def open(cls, path: Path) -> LocalSigner:
        """Read an unencrypted PEM private key that only its owner can read.

        Raises
        ------
        BadInput
            If others can read the file, or it holds no private key on P-256.
        """
        from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        pem = _read_private(path)
        key = loaded(lambda data: load_pem_private_key(data, password=None), pem, str(path), "private")
        if not isinstance(key, EllipticCurvePrivateKey) or key.curve.name != "secp256r1":
            raise BadInput(f"{path}", "it is not on the curve P-256", give("private"))
        return cls(key)

    @property
    def public_key_der(self) -> bytes:
        """The public key, as the DER of its SubjectPublicKeyInfo."""
        return public_bytes(self._key.public_key(), pem=False)

    @property
    def public_key(self) -> PublicKey:
        """The public key."""
        return PublicKey(self.public_key_der)

    def sign(self, message: bytes) -> bytes:
        """Return the ECDSA signature over the SHA-256 of a message, as DER."""
        from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
        from cryptography.hazmat.primitives.hashes import SHA256

        # Deterministic (RFC 6979), so that what is made again is the same to the byte, signature included.
        return self._key.sign(message, ECDSA(SHA256(), deterministic_signing=True))


def new_key(path: Path) -> PublicKey:
    """Make a private key in a PEM file that only its owner can read, and return the public one.

    Raises
    ------
    BadInput
        If the file exists: a key that has signed something is not written over.
    """
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    _write_private(path, pem)
    return PublicKey(public_bytes(key.public_key(), pem=False))


def _write_private(path: Path, pem: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        # The mode holds from the first moment: there is none at which others could open the file.
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        do = "give a new name, or use this key"
        raise BadInput(f"{path}", "it exists, and may be somebody's key", do) from None
    with os.fdopen(handle, "wb") as stream:
        stream.write(pem)
        stream.flush()
        os.fsync(stream.fileno())


def _read_private(path: Path) -> bytes:
    data = read_bytes(path, MAX_KEY_BYTES)
    mode = path.stat().st_mode
    if os.name == "posix" and mode & _OTHERS:
        why = f"others than its owner can use it (its mode is {stat.S_IMODE(mode):04o})"
        do = f"chmod 600 {path}; where others may have read it, make a new key and sign again"
        raise BadInput(f"{path}", why, do)
    return data
