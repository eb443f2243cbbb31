"""Deciding on packages of SageMaker's registry, under moto: what changes, what stays, what is allowed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from helpers.judged import judged
from moto import mock_aws
from moto.backends import get_backend
from moto.core import DEFAULT_ACCOUNT_ID

from aws.approval import Candidate, approve, find, reject
from aws.client import Client
from aws.reject.handler import REJECTED_AT, handler
from aws.stack.intrinsics import Stack, stack
from aws.stack.policy import SERVICE_NEEDS, recording, refused, statements, unused
from boomerang.errors import AwsError, BadInput, IntegrityError, UsageError
from boomerang.gate import BY_KEY, GATE, property_name
from boomerang.metrics import Metrics

REGION = "us-east-1"
GROUP = "boomerang"
NAME = f"{GROUP}/1"
EVALUATION = "s3://data/boomerang/default/runs/e1/Evaluate/evaluation"


@pytest.fixture(scope="module")
def session() -> boto3.Session:
    """One for all tests: what costs time is reading the services' descriptions."""
    return boto3.Session(region_name=REGION)


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Metrics]:
    return judged(tmp_path_factory.mktemp("runs"))


@dataclass
class Account:
    """A region of moto's with a package group and a bucket."""

    session: boto3.Session
    client: Client
    measured: dict[str, Metrics]

    def register(self, status: str = "PendingManualApproval", which: str = "good", **said: str) -> str:
        """Register a package as the pipeline does, and return its name."""
        metrics = self.measured[which]
        body = json.dumps(metrics.model_dump(mode="json")).encode()
        uri = f"{EVALUATION}/{which}/metrics.json"
        self.session.client("s3").put_object(Bucket="data", Key=uri.removeprefix("s3://data/"), Body=body)
        statistics = {"ContentType": "application/json", "S3Uri": uri}
        answer = self.session.client("sagemaker").create_model_package(
            ModelPackageGroupName=GROUP,
            ModelApprovalStatus=status,
            InferenceSpecification={
                "Containers": [{"Image": "image", "ModelDataUrl": "s3://data/model.tar.gz"}],
                "SupportedContentTypes": ["application/json"],
                "SupportedResponseMIMETypes": ["application/json"],
            },
            ModelMetrics={"ModelQuality": {"Statistics": statistics}},
            CustomerMetadataProperties=said_by(metrics) | said,
        )
        return "/".join(answer["ModelPackageArn"].split("/")[-2:])

    def age(self, name: str, days: float) -> None:
        """Put a package's last change so many days back, in moto's own record."""
        backend = get_backend("sagemaker")[DEFAULT_ACCOUNT_ID][REGION]
        arn = find(self.client, name).arn
        package = backend.model_packages[backend.model_package_name_mapping.get(arn, arn)]
        package.last_modified_time = datetime.now(UTC) - timedelta(days=days)

    def properties(self, name: str = NAME) -> dict[str, str]:
        """Return what a package says of itself now."""
        return find(self.client, name).said


def said_by(metrics: Metrics) -> dict[str, str]:
    """Return what the pipeline lets a package say of itself."""
    return {
        "Campaign": "default",
        "Model": metrics.candidate,
        "ModelDigest": metrics.models[metrics.candidate].digest,
        "CanaryDigest": metrics.canaries.digest,
        "ProbesDigest": metrics.probes.digest,
        **{property_name(rule.key): str(metrics.gate[rule.key]) for rule in GATE},
        **{BY_KEY[check.key].parameter: str(check.limit) for check in metrics.verdict.checks},
    }


@pytest.fixture
def account(
    monkeypatch: pytest.MonkeyPatch, session: boto3.Session, measured: dict[str, Metrics]
) -> Iterator[Account]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    with mock_aws():
        monkeypatch.setattr(boto3, "DEFAULT_SESSION", session)
        session.client("s3").create_bucket(Bucket="data")
        session.client("sagemaker").create_model_package_group(ModelPackageGroupName=GROUP)
        yield Account(session, Client(REGION), measured)


# --- approve --------------------------------------------------------------------------------------


def test_a_pending_package_is_approved_and_keeps_what_it_says(account: Account) -> None:
    first, second = account.register(), account.register()
    before = account.properties(first)

    found = approve(account.client, first, by="ada", reason="canaries are\n  right")

    assert (found.name, found.status) == (NAME, "Approved")
    assert found.why == "Approved by ada: canaries are right"
    assert account.properties(first) == before and REJECTED_AT not in before
    assert find(account.client, second).status == "PendingManualApproval"


def test_numbers_limits_and_verdict_are_told_before_the_package_is_approved(account: Account) -> None:
    account.register()
    told: list[str] = []

    def tell(line: str) -> None:
        assert find(account.client, NAME).status == "PendingManualApproval"
        told.append(line)

    approve(account.client, NAME, by="ada", tell=tell)
    assert told[0].startswith("data: boomerang-synthetic-10, 10260 training rows, seed 0, sha256 1111")
    assert [line for line in told if "canaries answered wrong: 0, at most 0" in line]
    assert [line for line in told if "attack success rate: " in line and ", at most 10.0%" in line]
    assert told[-1] == "verdict: the gate passed it"


@pytest.mark.parametrize(
    "said", [{"AsrUpper": "0.0714"}, {"Turned": "1000000000.0"}, {"ScreenFpr": "?"}, {"MaxAsrUpper": "0.5"}]
)
def test_a_record_that_says_otherwise_than_its_metrics_is_refused(
    account: Account, said: dict[str, str]
) -> None:
    account.register(**said)
    with pytest.raises(BadInput, match=rf"its record says otherwise than .*: {next(iter(said))}"):
        approve(account.client, NAME, by="ada")


def test_what_the_gate_rejected_is_refused_whatever_status_it_was_registered_with(account: Account) -> None:
    account.register("PendingManualApproval", "poisoned")
    with pytest.raises(BadInput, match=r"the gate rejected it: .*attack success rate"):
        approve(account.client, NAME, by="ada")


def test_approving_twice_changes_nothing(account: Account) -> None:
    account.register()
    changes: list[Candidate] = []
    for by in ("ada", "bob"):
        found = approve(account.client, NAME, by=by, changed=changes.append)
    assert found.why == "Approved by ada"
    assert [(each.name, each.status) for each in changes] == [(NAME, "Approved")]


def test_what_the_gate_rejected_is_refused_with_its_reasons(account: Account) -> None:
    account.register("Rejected", "poisoned")
    with pytest.raises(BadInput, match=r"the gate rejected it: .*attack success rate"):
        approve(account.client, NAME, by="ada", reason="I like it")
    with pytest.raises(UsageError, match="needs a reason"):
        approve(account.client, NAME, by="ada", reason=" ", override=True)
    assert find(account.client, NAME).status == "Rejected"


def test_what_was_in_service_and_rejected_comes_back_by_an_override_alone(account: Account) -> None:
    account.register()
    before = account.properties()
    approve(account.client, NAME, by="ada")
    reject(account.client, NAME, by="bob", reason="canaries fell")
    with pytest.raises(BadInput, match="Rejected by bob: canaries fell"):
        approve(account.client, NAME, by="ada")

    found = approve(account.client, NAME, by="ada", reason="it was the camera", override=True)

    assert (found.status, found.why) == ("Approved", "Approved by ada: it was the camera")
    assert found.said == before, "RejectedAt is gone, and nothing else"


@pytest.mark.parametrize("key", ["ModelDigest", "CanaryDigest", "ProbesDigest"])
def test_a_package_whose_metrics_were_changed_is_not_approved(account: Account, key: str) -> None:
    account.register(**{key: "0" * 64})
    with pytest.raises(IntegrityError, match=key):
        approve(account.client, NAME, by="ada")
    assert find(account.client, NAME).status == "PendingManualApproval"


def test_a_package_without_metrics_is_not_approved(account: Account) -> None:
    account.session.client("sagemaker").create_model_package(ModelPackageGroupName=GROUP)
    with pytest.raises(AwsError, match="names no model or no metrics"):
        approve(account.client, NAME, by="ada")


# --- reject ---------------------------------------------------------------------------------------


def test_a_rejected_package_says_who_why_and_when(account: Account) -> None:
    account.register()
    before = account.properties()
    approve(account.client, NAME, by="ada")
    start = datetime.now(UTC)

    found = reject(account.client, NAME, by="bob", reason="why " * 2000)

    assert found.status == "Rejected" and len(found.why) == 1024 and found.why.startswith("Rejected by bob:")
    at = datetime.fromisoformat(found.said[REJECTED_AT])
    assert at.tzinfo is not None and start <= at <= datetime.now(UTC)
    assert found.said == before | {REJECTED_AT: found.said[REJECTED_AT]}


def test_what_was_never_in_service_gets_no_time(account: Account) -> None:
    """Else rejecting candidates by hand would put off the rejection of the model that is watched."""
    account.register()
    before = account.properties()
    assert reject(account.client, NAME, by="bob", reason="no").said == before


def test_rejecting_twice_changes_nothing_and_needs_a_reason(account: Account) -> None:
    account.register()
    changes: list[Candidate] = []
    with pytest.raises(UsageError, match="say why"):
        reject(account.client, NAME, by="bob", reason=" ")
    for by in ("bob", "ada"):
        found = reject(account.client, NAME, by=by, reason="no", changed=changes.append)
    assert found.why == "Rejected by bob: no" and len(changes) == 1


def test_a_package_full_of_properties_is_rejected_all_the_same(account: Account) -> None:
    count = 50 - len(said_by(account.measured["good"]))
    account.register(**{f"key{number}": "x" for number in range(count)})
    approve(account.client, NAME, by="ada")
    found = reject(account.client, NAME, by="bob", reason="no")
    assert (found.status, len(found.said)) == ("Rejected", 50) and REJECTED_AT not in found.said


def test_a_package_whose_metrics_were_changed_can_be_rejected(account: Account) -> None:
    account.register(ModelDigest="0" * 64)
    assert reject(account.client, NAME, by="bob", reason="damaged").status == "Rejected"


# --- both -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["boomerang", "boomerang/0", "boomerang/x", "/1", "a/b/1", "boomerang/9"])
def test_a_name_of_no_package_is_refused(account: Account, name: str) -> None:
    account.register()
    for decide in (approve, reject):
        with pytest.raises(UsageError):
            decide(account.client, name, by="ada", reason="no")


def test_another_group_is_said_to_be_absent(account: Account) -> None:
    with pytest.raises((AwsError, BadInput), match="jets"):
        approve(account.client, "jets/1", by="ada")


def test_what_the_hook_raises_undoes_nothing(account: Account) -> None:
    account.register()

    def fail(_: Candidate) -> None:
        raise AwsError("the dashboard cannot be put")

    with pytest.raises(AwsError, match="dashboard"):
        approve(account.client, NAME, by="ada", changed=fail)
    assert find(account.client, NAME).status == "Approved"


def test_the_role_allows_every_call_and_grants_nothing_that_is_not_needed(account: Account) -> None:
    account.register()
    whole: Stack = stack({})
    granted = statements(whole, "ApproverPolicy")
    with recording(account.session) as calls:
        approve(account.client, NAME, by="ada")
        reject(account.client, NAME, by="bob", reason="no")
        approve(account.client, NAME, by="ada", reason="yes", override=True)
    package = f"arn:aws:sagemaker:{REGION}:123456789012:model-package/{NAME}"
    actions = {action for call in calls for action in call.actions}
    resources = {action: package for action in actions if action.startswith("sagemaker:")}
    bucket = next(s.resources[0] for s in granted if "s3:GetObject" in s.actions).split("/")[0]
    resources["s3:GetObject"] = EVALUATION.replace("s3://data", bucket) + "/metrics.json"

    assert refused(granted, calls, resources) == []
    # S3 asks for kms:Decrypt of who reads; the public key is read by who verifies signatures.
    assert unused(granted, calls, "ApproverPolicy") - {"kms:Decrypt", "kms:GetPublicKey"} == set()
    assert "ApproverPolicy" not in SERVICE_NEEDS


def test_the_function_counts_from_the_rejection_of_a_person(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The package before is not rejected for the points of the one that a person took out."""
    older, newest = account.register(), account.register()
    for name in (older, newest):
        approve(account.client, name, by="ada")
    account.age(older, 30)
    reject(account.client, newest, by="bob", reason="canaries fell")
    for key, value in {"PACKAGE_GROUP": GROUP, "ALARM_NAME": "a", "CANARY_PIPELINE": "c"}.items():
        monkeypatch.setenv(key, value)
    for key, number in {"ALARM_PERIOD_S": 3600, "ALARM_PERIODS": 3, "ALARM_DATAPOINTS": 2}.items():
        monkeypatch.setenv(key, str(number))
    state: dict[str, Any] = {"value": "ALARM", "timestamp": datetime.now(UTC).isoformat(), "reason": "bad"}
    event = {"source": "aws.cloudwatch", "detail": {"alarmName": "a", "state": state}}

    assert handler(event, None)["outcome"] == "nothing"
    assert find(account.client, older).status == "Approved"


def test_a_package_whose_metrics_are_gone_is_not_approved(account: Account) -> None:
    account.register()
    account.session.client("s3").delete_object(
        Bucket="data", Key=f"{EVALUATION}/good/metrics.json".removeprefix("s3://data/")
    )
    with pytest.raises(AwsError, match="s3:GetObject"):
        approve(account.client, NAME, by="ada")
    assert find(account.client, NAME).status == "PendingManualApproval"
