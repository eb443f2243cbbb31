"""Signing by KMS: what it signs, the offline verifier takes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from helpers.signing_cases import fresh_key, make_chain
from moto import mock_aws

from aws.jobs.kms import KmsSigner
from boomerang.errors import AwsError, BadInput, IntegrityError
from boomerang.signing import PublicKey, Statement, seal, verify_lineage, verify_signed

REGION = "eu-west-1"
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


@pytest.fixture
def kms(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        yield boto3.client("kms", region_name=REGION)


def created(kms: Any, spec: str = "ECC_NIST_P256", usage: str = "SIGN_VERIFY") -> str:
    key_id: str = kms.create_key(KeySpec=spec, KeyUsage=usage)["KeyMetadata"]["KeyId"]
    return key_id


def test_what_kms_signs_verifies_offline(kms: Any, tmp_path: Path) -> None:
    signer = KmsSigner(created(kms), REGION)
    make_chain(tmp_path, signer)
    signer.public_key.write(tmp_path / "key.pub.pem")
    public = PublicKey.read(tmp_path / "key.pub.pem")
    folders = [tmp_path / name for name in ("model", "dataset", "pictures")]
    assert len(verify_lineage(tmp_path / "package", folders, [public])) == 4
    other = fresh_key(tmp_path)
    with pytest.raises(IntegrityError, match="not trusted"):
        verify_signed(tmp_path / "dataset", [other.public])


def test_a_key_may_be_named_by_its_alias(kms: Any) -> None:
    key = created(kms)
    kms.create_alias(AliasName="alias/signing", TargetKeyId=key)
    assert KmsSigner("alias/signing", REGION).public_key == KmsSigner(key, REGION).public_key


def test_a_statement_larger_than_kms_takes_is_signed(kms: Any, tmp_path: Path) -> None:
    subjects = {f"picture-{number:04}.png": "0" * 64 for number in range(500)}
    statement = Statement(kind="pictures", name="many", digest="d" * 64, subjects=subjects)
    assert len(statement.payload) > 4096
    signer = KmsSigner(created(kms), REGION)
    assert seal(statement, signer)
    with pytest.raises(AwsError, match=r"4,097 bytes, KMS takes 4,096\n.*sign its digest"):
        signer.sign(b"x" * 4097)


def test_both_halves_that_kms_returns_are_taken(kms: Any, tmp_path: Path) -> None:
    signer, halves = KmsSigner(created(kms), REGION), set()
    statement = Statement(kind="model", name="m", digest="d" * 64, subjects={"x": "0" * 64})
    for _ in range(40):
        halves.add(decode_dss_signature(signer.sign(b"x" * 32))[1] > ORDER // 2)
        seal(statement, signer)
        if len(halves) == 2:
            return
    pytest.fail("forty signatures had their s in the same half")


def test_what_is_asked_of_kms_is_a_plain_message_of_32_bytes(
    kms: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    signer, asked = KmsSigner(created(kms), REGION), []
    sign = signer._client.sign
    monkeypatch.setattr(signer._client, "sign", lambda **call: asked.append(call) or sign(**call))
    make_chain(tmp_path, signer)
    assert {(len(call["Message"]), call["MessageType"]) for call in asked} == {(32, "RAW")}
    assert {call["SigningAlgorithm"] for call in asked} == {"ECDSA_SHA_256"} and len(asked) == 4


@pytest.mark.parametrize("spec", ["RSA_2048", "ECC_NIST_P384"])
def test_a_key_of_another_kind_is_refused(kms: Any, spec: str) -> None:
    with pytest.raises(AwsError, match="does not sign by ECDSA_SHA_256") as refusal:
        _ = KmsSigner(created(kms, spec), REGION).public_key
    assert refusal.value.exit_code == 3


def test_a_key_on_another_curve_is_refused(kms: Any) -> None:
    with pytest.raises(BadInput, match="P-256"):
        _ = KmsSigner(created(kms, "ECC_SECG_P256K1"), REGION).public_key


def test_what_kms_refuses_is_said_with_what_to_do(kms: Any) -> None:
    with pytest.raises(AwsError, match=r"NotFoundException.*\n.*may kms:GetPublicKey"):
        _ = KmsSigner("00000000-0000-0000-0000-000000000000", REGION).public_key
    with pytest.raises(AwsError, match=r"NotFoundException.*\n.*may kms:Sign"):
        KmsSigner("00000000-0000-0000-0000-000000000000", REGION).sign(b"x")


def test_a_missing_region_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    with pytest.raises(AwsError, match=r"region.*\n.*AWS_REGION"):
        KmsSigner("alias/signing").sign(b"x")
