"""Public keys on the curve P-256, and ECDSA signatures of which there is one spelling only.

Whoever has an ECDSA signature (r, s) can write down a second one, (r, n - s), and lax readers take
many encodings of either. Here a signature is the strict DER of (r, s) with s in the lower half: any
other bytes do not verify.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from boomerang.digest import sha256_bytes
from boomerang.errors import BadInput
from boomerang.safeio import read_bytes, write_bytes_atomic

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

MAX_KEY_BYTES = 16 << 10

# The order of the group (FIPS 186-5 and SP 800-186, curve P-256).
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


class Signer(Protocol):
    """Who can sign: a local key file (`LocalSigner`) or a KMS key (`aws.jobs.kms.KmsSigner`)."""

    @property
    def public_key_der(self) -> bytes:
        """The public key, as the DER of its SubjectPublicKeyInfo."""
        ...

    def sign(self, message: bytes) -> bytes:
        """Return an ECDSA signature over the SHA-256 of a message of at most 4,096 bytes, as DER."""
        ...


@dataclass(frozen=True)
class PublicKey:
    """A public key on P-256; make it with `from_der`, `from_pem` or `read`, which check it.

    Attributes
    ----------
    der : bytes
        Its SubjectPublicKeyInfo, the point uncompressed.
    """

    der: bytes

    @property
    def key_id(self) -> str:
        """Sha256 of the DER: the key's name, which needs no register of keys."""
        return sha256_bytes(self.der)

    @classmethod
    def from_der(cls, der: bytes, where: str = "the public key") -> PublicKey:
        """Return the key of a DER SubjectPublicKeyInfo.

        Raises
        ------
        BadInput
            If it is no public key on P-256, or not encoded in the usual way.
        """
        from cryptography.hazmat.primitives.serialization import load_der_public_key

        key = cls._from(loaded(load_der_public_key, der, where, "public"), where)
        if key.der != der:  # one key has one id
            raise BadInput(where, "its encoding is not the usual one", give("public"))
        return key

    @classmethod
    def from_pem(cls, pem: bytes, where: str = "the public key") -> PublicKey:
        """Return the key of a PEM `PUBLIC KEY`; raises BadInput as `from_der` does."""
        from cryptography.hazmat.primitives.serialization import load_pem_public_key

        return cls._from(loaded(load_pem_public_key, pem, where, "public"), where)

    @classmethod
    def read(cls, path: Path) -> PublicKey:
        """Return the key of a PEM file; raises BadInput as `from_der` does."""
        return cls.from_pem(read_bytes(path, MAX_KEY_BYTES), str(path))

    @classmethod
    def _from(cls, key: Any, where: str) -> PublicKey:
        from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

        if not isinstance(key, EllipticCurvePublicKey) or key.curve.name != "secp256r1":
            raise BadInput(where, "it is not on the curve P-256", give("public"))
        return cls(public_bytes(key, pem=False))

    @property
    def pem(self) -> bytes:
        """The key as PEM, to be kept where verifiers find it."""
        return public_bytes(self._loaded(), pem=True)

    def write(self, path: Path) -> None:
        """Write the PEM file, in one piece."""
        write_bytes_atomic(path, self.pem)

    def verifies(self, message: bytes, signature: bytes) -> bool:
        """Whether a signature is this key's over the SHA-256 of a message, in its one encoding.

        Parameters
        ----------
        message : bytes
        signature : bytes
            Strict DER of (r, s) with s <= n / 2; other encodings of a good signature do not verify.
        """
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
        from cryptography.hazmat.primitives.hashes import SHA256

        try:
            if normalized(signature) != signature:
                return False
            self._loaded().verify(signature, message, ECDSA(SHA256()))
        except (ValueError, InvalidSignature):
            return False
        return True

    def _loaded(self) -> EllipticCurvePublicKey:
        from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
        from cryptography.hazmat.primitives.serialization import load_der_public_key

        key = load_der_public_key(self.der)
        assert isinstance(key, EllipticCurvePublicKey)
        return key


def normalized(signature: bytes) -> bytes:
    """Return an ECDSA signature on P-256 with s in the lower half, as strict DER.

    A signer returns either s with equal chance; both verify under plain ECDSA.

    Raises
    ------
    ValueError
        If it is no DER of two integers in [1, n).
    """
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

    r, s = decode_dss_signature(signature)
    if not (0 < r < _ORDER and 0 < s < _ORDER):
        raise ValueError("r or s is out of range")
    return encode_dss_signature(r, min(s, _ORDER - s))


def loaded(load: Callable[[bytes], Any], data: bytes, where: str, kind: str) -> Any:
    """Return what `load` makes of a key's encoding; raises BadInput naming `where` it came from."""
    from cryptography.exceptions import UnsupportedAlgorithm

    try:
        return load(data)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # What cryptography says may quote the file, which may be a private key.
        raise BadInput(where, f"it holds no {kind} key, or an encrypted one", give(kind)) from None


def give(kind: str) -> str:
    """Say which key should be given, `private` or `public`."""
    if kind == "private":
        return "give an unencrypted PEM private key on P-256, as boomerang.signing.new_key makes it"
    return "give a PEM public key on P-256, for example `openssl ec -in key.pem -pubout`"


def public_bytes(key: EllipticCurvePublicKey, *, pem: bool) -> bytes:
    """Return a public key's one encoding, as PEM or as DER."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return key.public_bytes(Encoding.PEM if pem else Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
