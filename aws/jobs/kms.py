"""Signing with a key that never leaves AWS KMS, for the verifier of `boomerang.signing`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

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
        with _asking(self.key, "kms:GetPublicKey"):
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
        with _asking(self.key, "kms:Sign"):
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


@contextmanager
def _asking(key: str, action: str) -> Iterator[None]:
    """Turn what boto3 raises into an AwsError that says what to do."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        answer = error.response["Error"]
        why = f"{answer.get('Code')}: {answer.get('Message')}"
        do = f"check that the key exists in this region, is enabled, and that your role may {action} with it"
        raise AwsError(f"KMS key {key} cannot be used", why, do) from error
    except BotoCoreError as error:
        do = "set a region and credentials (AWS_REGION, AWS_PROFILE), and check the network"
        raise AwsError(f"KMS key {key} cannot be used", str(error), do) from error
