"""Signing with a key that never leaves AWS KMS, for the verifier of `boomerang.signing`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from aws.client import asking
from boomerang.errors import AwsError
from boomerang.signing import PublicKey
from boomerang.signing.sealing import ALGORITHM

# What KMS takes as a plain message; `boomerang.signing` hands over 32 bytes.
MAX_MESSAGE_BYTES = 4096


@dataclass(frozen=True)
class KmsSigner:
    """Signs with an asymmetric KMS key (`ECC_NIST_P256`, `SIGN_VERIFY`).

    The caller needs `kms:Sign` and `kms:GetPublicKey` on the key. Verifying needs neither: write
    `public_key` to a file once, and hand that out.

    Parameters
    ----------
    key : str
        Its id, ARN, or alias (`alias/NAME`).
    region : str, optional
        As the AWS configuration says, if not given.
    """

    key: str
    region: str | None = None

    @cached_property
    def public_key(self) -> PublicKey:
        """The public key.

        Raises
        ------
        AwsError
            If KMS does not give it, or it signs by another algorithm.
        BadInput
            If it is on another curve.
        """
        with asking("kms:GetPublicKey", f"KMS key {self.key}"):
            answer = self._client.get_public_key(KeyId=self.key)
        if ALGORITHM not in answer.get("SigningAlgorithms", []):
            why = f"it does not sign by {ALGORITHM}"
            raise AwsError(f"KMS key {self.key}", why, "use a key of spec ECC_NIST_P256, usage SIGN_VERIFY")
        return PublicKey.from_der(answer["PublicKey"], f"KMS key {self.key}")

    @property
    def public_key_der(self) -> bytes:
        """The public key, as the DER of its SubjectPublicKeyInfo."""
        return self.public_key.der

    def sign(self, message: bytes) -> bytes:
        """Return the ECDSA signature over the SHA-256 of a message of at most 4,096 bytes, as DER.

        Raises
        ------
        AwsError
            If KMS does not sign.
        """
        if len(message) > MAX_MESSAGE_BYTES:
            why = f"it has {len(message):,} bytes, KMS takes {MAX_MESSAGE_BYTES:,}"
            raise AwsError("the message cannot be signed", why, "sign its digest")
        with asking("kms:Sign", f"KMS key {self.key}"):
            # RAW: KMS hashes the message, as a local key does. `boomerang.signing.statement.message`
            # says why it is not handed over as a digest.
            answer = self._client.sign(
                KeyId=self.key, Message=message, MessageType="RAW", SigningAlgorithm=ALGORITHM
            )
        signature: bytes = answer["Signature"]
        return signature

    @cached_property
    def _client(self) -> Any:
        import boto3

        return boto3.client("kms", region_name=self.region)
