"""The kept calls of AWS are those that the code makes: every caller is run under moto and listened to.

A new caller is a function that runs it and a line in `CALLERS`. After a change that is meant,
BOOMERANG_RENEW_CALLS=1 writes `aws/check/calls.json` anew (and the test fails, so that it is looked at).
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from helpers.drawn_evaluation import DrawnEvaluation
from helpers.reject_world import World, alarm_event, canary_event, package_event
from helpers.scenes import Scene
from moto import mock_aws

import aws.jobs.canary_job
from aws.approval import approve, reject
from aws.check.calls import CALLS, Kept, as_json, kept_calls, kept_of, resource
from aws.client import Client
from aws.jobs.kms import KmsSigner
from aws.jobs.sign import KEY, sign, signer_of
from aws.reject.handler import handler
from aws.stack.intrinsics import Stack, load_template
from aws.stack.policy import Call, recording
from boomerang.contract import Job
from boomerang.formats.canary import DATA_FILE
from boomerang.formats.probes import ProbeSet, probe_sets
from boomerang.manifest import MANIFEST, Manifest, commit, read_manifest
from boomerang.signing import Predicate, sign_folder
from boomerang.watching.history import as_line
from boomerang.watching.metric_names import published

REGION = "us-east-1"
GROUP, BUCKET, PROJECT = "boomerang", "data", "boomerang"
RUN = f"{PROJECT}/default/runs/abc"
NOW = datetime(2026, 11, 20, 6, tzinfo=UTC)


@dataclass
class Account:
    """moto's account, with a session for what a test prepares and one that is listened to."""

    prepare: boto3.Session
    heard: boto3.Session
    folder: Path
    patch: pytest.MonkeyPatch
    # What things here are called in the template.
    names: dict[str, str] = field(
        default_factory=lambda: {
            BUCKET: "${DataBucket.Arn}",
            f"{BUCKET}/{PROJECT}/": "${DataBucket.Arn}/${ProjectName}/",
            f"{BUCKET}/{PROJECT}/registered/{GROUP}/": (
                "${DataBucket.Arn}/${ProjectName}/registered/${PackageGroup}/"
            ),
        }
    )

    def client(self, service: str) -> Any:
        """Return a client that nobody listens to."""
        return self.prepare.client(service)


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Account]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    with mock_aws():
        heard = boto3.Session(region_name=REGION)
        monkeypatch.setattr(boto3, "DEFAULT_SESSION", heard)
        yield Account(boto3.Session(region_name=REGION), heard, tmp_path, monkeypatch)


# ---- The callers: each prepares its world and returns what is to be listened to.


def signing(account: Account) -> Callable[[], object]:
    """The signing job, on one committed folder."""
    key = _key(account)
    job = Job(account.folder / "ml")
    folder = job.root / "processing" / "input" / "train"
    folder.mkdir(parents=True)
    (folder / "x.txt").write_text("x")
    commit(folder, Manifest(name="train", kind="dataset"))
    return lambda: sign(job, signer_of({KEY: key}))


def _key(account: Account) -> str:
    """Make the signing key and return its ARN."""
    made = account.client("kms").create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]
    account.names[made["Arn"]] = "${SigningKey.Arn}"
    return str(made["Arn"])


def canary(account: Account) -> Callable[[], object]:
    """The canary's job where packages are signed; the step inside of it is played, as it calls nothing."""
    account.patch.setenv(KEY, _key(account))
    _registered(account, "Approved")
    job = Job(account.folder / "ml")
    account.patch.setattr(
        aws.jobs.canary_job.subprocess, "run", lambda *_, **__: _left(job.output("metrics"))
    )
    return lambda: aws.jobs.canary_job.canary(job, GROUP, Client(REGION), aws.jobs.canary_job._key())


def deciding(account: Account) -> Callable[[], object]:
    """The person who approves one package and rejects another that was in service."""
    _registered(account, "PendingManualApproval", "Approved")

    def both() -> None:
        approve(Client(REGION), f"{GROUP}/1", by="somebody")
        reject(Client(REGION), f"{GROUP}/2", by="somebody", reason="it is bad")
        approve(Client(REGION), f"{GROUP}/2", by="somebody", reason="it was good", override=True)

    return both


def _registered(account: Account, *statuses: str) -> None:
    """Upload what Evaluate and Harden left, and register a package of it with each status."""
    evaluation = account.folder / "evaluation"
    DrawnEvaluation(evaluation, Scene()).write()
    metrics = json.loads((evaluation / "metrics.json").read_text())
    metrics["canaries"]["digest"] = _records(evaluation / "canaries")
    probes = ProbeSet(digest=_records(evaluation / "probes" / "patch"), records=1, of=1)
    metrics["probes"] = probe_sets({"patch": probes}).model_dump(mode="json")
    (evaluation / "metrics.json").write_text(json.dumps(metrics))
    commit(evaluation, read_manifest(evaluation))
    model = account.folder / "model"
    model.mkdir()
    (model / "model.tar.gz").write_bytes(b"model")
    account.client("s3").create_bucket(Bucket=BUCKET)
    _upload(account, evaluation, f"{RUN}/Evaluate/evaluation")
    _upload(account, model, f"{RUN}/Harden/model")
    if KEY in os.environ:
        _upload(account, _signed(account.folder, KmsSigner(os.environ[KEY])), f"{RUN}/SignCandidate")
    account.client("sagemaker").create_model_package_group(ModelPackageGroupName=GROUP)
    for status in statuses:
        _register(account, metrics, status)


def _signed(folder: Path, signer: KmsSigner) -> Path:
    """Sign the model and what Evaluate left as the signing job does; returns the folder of the signatures."""
    signed = folder / "signed"
    about = Predicate(parents={}, aliases=["0" * 64])
    sign_folder(folder / "model", signer, about, name="model", into=signed / "model")
    for manifest in (folder / "evaluation").rglob(MANIFEST):
        place = manifest.parent
        sign_folder(place, signer, into=signed / place.relative_to(folder))
    return signed


def _upload(account: Account, folder: Path, prefix: str) -> None:
    for file in (path for path in folder.rglob("*") if path.is_file()):
        key = f"{prefix}/{file.relative_to(folder).as_posix()}"
        account.client("s3").upload_file(str(file), BUCKET, key)


def _records(folder: Path) -> str:
    """Write a folder as Evaluate freezes records, and return its digest."""
    folder.mkdir(parents=True)
    (folder / "x.npy").write_bytes(b"records")
    return commit(folder, Manifest(name=folder.name, kind="dataset")).digest


def _register(account: Account, metrics: Mapping[str, Any], status: str) -> None:
    root = f"s3://{BUCKET}/{RUN}"
    numbers = {"ContentType": "application/json", "S3Uri": f"{root}/Evaluate/evaluation/metrics.json"}
    account.client("sagemaker").create_model_package(
        ModelPackageGroupName=GROUP,
        ModelApprovalStatus=status,
        InferenceSpecification={
            "Containers": [{"Image": "image", "ModelDataUrl": f"{root}/Harden/model/model.tar.gz"}],
            "SupportedContentTypes": ["application/json"],
            "SupportedResponseMIMETypes": ["application/json"],
        },
        ModelMetrics={"ModelQuality": {"Statistics": numbers}},
        CustomerMetadataProperties={
            "Model": "hardened",
            "ModelDigest": metrics["models"]["hardened"]["digest"],
            "CanaryDigest": metrics["canaries"]["digest"],
            "ProbesDigest": metrics["probes"]["digest"],
            "ModelSignature": f"{root}/SignCandidate/model",
            "EvaluationSignature": f"{root}/SignCandidate/evaluation",
        },
    )


def _left(folder: Path) -> subprocess.CompletedProcess[str]:
    """Leave what the canary step leaves."""
    folder.mkdir(parents=True, exist_ok=True)
    data = published("CanaryRan", 1.0, NOW, group=GROUP, version="1")
    (folder / DATA_FILE).write_bytes(b"".join(map(as_line, data)))
    commit(folder, Manifest(name=GROUP, kind="canary"))
    return subprocess.CompletedProcess([], 0)


def rejecting(account: Account) -> Callable[[], object]:
    """The function, on all events that bring it something to do."""
    topic = account.client("sns").create_topic(Name="boomerang-alerts")["TopicArn"]
    queue = account.client("sqs").create_queue(QueueName="people")["QueueUrl"]
    account.names[topic] = "${Alerts}"
    account.client("sagemaker").create_model_package_group(ModelPackageGroupName=GROUP)
    made = Stack(load_template(), {"RejectCodeS3Key": "some/key"}, {}).resources
    variables = made["RejectFunction"]["Properties"]["Environment"]["Variables"]
    for name, value in (variables | {"TOPIC_ARN": topic, "DATA_BUCKET": BUCKET}).items():
        account.patch.setenv(name, str(value))
    account.client("s3").create_bucket(Bucket=BUCKET)
    world = World(account.prepare, topic, queue, variables["ALARM_NAME"])
    world.approved()
    second = world.approved()
    world.raise_alarm()
    third = world.register_unheard()

    def all_of_them() -> None:
        assert handler(package_event(third), None)["outcome"] == "nothing"
        assert handler(alarm_event(), None)["outcome"] == "rejected"
        world.left(second, days_ago=4)
        assert handler(canary_event(), None)["outcome"] == "rejected"

    return all_of_them


@dataclass(frozen=True)
class Caller:
    """Code that calls AWS with a role of the template."""

    role: str
    code: str
    run: Callable[[Account], Callable[[], object]]


CALLERS = [
    Caller("ApproverPolicy", "aws.approval", deciding),
    Caller("CanaryRole", "aws.jobs.canary_job", canary),
    Caller("RejectRole", "aws.reject.handler", rejecting),
    Caller("SigningRole", "aws.jobs.sign", signing),
]


def heard(caller: Caller, account: Account) -> list[Kept]:
    """Run a caller and return the calls that it made."""
    run = caller.run(account)
    with recording(account.heard) as calls:
        run()
    return kept_of(calls, account.names)


@pytest.mark.parametrize("caller", CALLERS, ids=lambda caller: caller.code)
def test_the_kept_calls_are_those_that_are_made(caller: Caller, account: Account) -> None:
    made = heard(caller, account)
    kept = {role: dict(callers) for role, callers in kept_calls().items()}
    if os.environ.get("BOOMERANG_RENEW_CALLS") == "1":
        kept.setdefault(caller.role, {})[caller.code] = tuple(made)
        CALLS.write_text(as_json(kept), encoding="utf-8")
        kept_calls.cache_clear()
        pytest.fail(f"{CALLS.name} is written anew; look at its difference")
    assert list(kept[caller.role][caller.code]) == made


def test_nothing_is_kept_of_a_caller_that_nobody_runs() -> None:
    kept = {(role, code) for role, callers in kept_calls().items() for code in callers}
    assert kept == {(caller.role, caller.code) for caller in CALLERS}


def test_the_file_is_as_it_would_be_written() -> None:
    assert CALLS.read_text(encoding="utf-8") == as_json(kept_calls())


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (Call("s3", "GetObject", {"Bucket": "data", "Key": "boomerang/a/b"}), "${B}/${P}/a/b"),
        (Call("s3", "GetObject", {"Bucket": "data", "Key": "else"}), "${B}/else"),
        (Call("s3", "ListObjectsV2", {"Bucket": "data", "Prefix": "boomerang/"}), "${B}"),
        (Call("s3", "GetObject", {"Bucket": "other", "Key": "k"}), "other/k"),
        (Call("sts", "GetCallerIdentity"), "*"),
    ],
)
def test_what_a_call_is_on_is_said_in_the_templates_words(call: Call, expected: str) -> None:
    assert resource(call, {"data": "${B}", "data/boomerang/": "${B}/${P}/"}) == expected
