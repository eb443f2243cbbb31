"""The whole story in one test: deploy, run, register, approve, watch, and a bad model taken out of service.

Everything runs that has code of ours: the command line, the definition's jobs as processes, the signing
with the stack's key, the canary on what lies in the bucket, the alarms by our evaluator, the rule's
pattern, the function, the topic. AWS is moto and `tests/helpers/cloud.py`, which says what it fakes. Two
things more stand in here:

SageMaker   `Executor` runs the deployed definition with the `process` runner under the execution's own id,
            puts every file that a job leaves at its address in the bucket, and makes a package of what the
            steps that register say. The signing jobs, and one canary, reach moto over HTTP.
days        a canary a day would take a week: each is run now, and what it published is dated a day after
            the one before. A package's last change is dated likewise, in moto's records.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from helpers.cloud import REGION, Cloud, cloud, step
from helpers.ranges import ROOT
from moto.backends import get_backend
from moto.core import DEFAULT_ACCOUNT_ID
from moto.server import ThreadedMotoServer

from aws.account import connect
from aws.alarms import MetricHistory, Played, State, Where, play_all, read_alarms
from aws.check.patterns import matches
from aws.client import Client
from aws.jobs.canary_job import canary
from aws.jobs.kms import KmsSigner
from aws.jobs.sign import KEY
from aws.reject import handler as reject
from boomerang.contract import ROOT_ENV, Job
from boomerang.errors import EXIT_PASSED, EXIT_REJECTED
from boomerang.watching.metric_names import NAMESPACE, Datum
from pipelines.cli.main import main
from pipelines.cloud.deployed import Range, deployed
from pipelines.runners.ledger import Ledger
from pipelines.runners.process.processes import job_environment
from pipelines.runners.process.runner import execute
from pipelines.runs.records import Execution, StepRecord
from processing.canary import canary as ask_records

pytestmark = [pytest.mark.whole, pytest.mark.timeout(1200)]

GROUP = "boomerang"
DAY = timedelta(days=1)
# The bundled entry, whose hardened model the gate lets through; without hardening the victim itself is the
# candidate.
ENTRY = ["--config", "default"]
UNDEFENDED = [*ENTRY, "--set", "harden=[]"]


@dataclass
class Executor:
    """SageMaker Pipelines, as far as the story needs it."""

    cloud: Cloud
    workspace: Path
    monkeypatch: pytest.MonkeyPatch
    packages: list[str] = field(default_factory=list)

    def run(self, arn: str) -> Execution:
        """Do what an execution of the deployed pipeline does."""
        s3 = self.cloud.client("s3")
        bucket = self.cloud.outputs()["DataBucketName"]
        staged = {
            f"s3://{bucket}/{each['Key']}": s3.get_object(Bucket=bucket, Key=each["Key"])["Body"].read()
            for each in s3.list_objects_v2(Bucket=bucket, Prefix="boomerang/inputs/")["Contents"]
        }
        with self.monkeypatch.context() as patched:
            patched.setattr(Ledger, "register", self._registering(Ledger.register))
            execution = execute(
                deployed(connect(REGION), "boomerang").definition,
                staged,
                workspace=self.workspace,
                run_id=arn.rpartition("/")[2],
            )
        root = execution.run_dir / "s3" / bucket
        for file in (path for path in root.rglob("*") if path.is_file()):
            key = file.relative_to(root).as_posix()
            if not key.startswith(
                "boomerang/inputs/"
            ):  # what was staged is read, and written by deploy alone
                s3.upload_file(str(file), bucket, key)
        self._register()
        self.cloud.end(arn, execution.status)
        self.cloud.steps = [_step(record) for record in execution.steps if record.status != "Skipped"]
        return execution

    def _registering(self, register: Any) -> Any:
        """Note what a step asks the registry for, which is there when its files are in the bucket."""
        self._asked: list[Mapping[str, Any]] = []

        def note(ledger: Ledger, step: str, arguments: Mapping[str, Any], record: StepRecord) -> StepRecord:
            self._asked.append(arguments)
            made: StepRecord = register(ledger, step, arguments, record)
            return made

        return note

    def _register(self) -> None:
        for arguments in self._asked:
            made = self.cloud.client("sagemaker").create_model_package(**arguments)
            self.packages.append(made["ModelPackageArn"])


def _step(record: StepRecord) -> dict[str, Any]:
    """Return a step as SageMaker says it."""
    kind = f"{record.type}Job" if record.type in ("Processing", "Training") else record.type
    known = {"Metadata": {"Fail": {"ErrorMessage": record.detail}}} if record.type == "Fail" else {}
    why = {"FailureReason": record.detail} if record.status == "Failed" else {}
    return step(record.name, record.status, seconds=record.seconds, kind=kind, **known, **why)


def _at_once(command: list[str], env: Mapping[str, str], check: bool) -> SimpleNamespace:
    """Run the canary's step here: a process of its own takes as long again to import TensorFlow."""
    assert (command[1:], check) == (["-m", "processing.canary"], False)
    ask_records(Job(Path(env[ROOT_ENV])))
    return SimpleNamespace(returncode=0)


@dataclass
class Watch:
    """The canary by the day, the alarms over what it publishes, and the function that answers them."""

    cloud: Cloud
    range: Range
    folder: Path
    now: datetime
    history: MetricHistory = field(default_factory=MetricHistory)
    begun: datetime = field(init=False)
    answered: set[datetime] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.begun = self.now

    def ask(self, *, as_a_process: bool = False) -> dict[str, float]:
        """Run the canary on the next day, and return what it published of the group."""
        self.now += DAY
        job, before = Job(self.folder / f"{self.now:%j}"), self._published()
        if as_a_process:
            command = [sys.executable, "-m", "aws.jobs.canary_job", GROUP]
            environment = {**os.environ, **over_http, ROOT_ENV: str(job.root), KEY: self._key}
            done = subprocess.run(
                command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stdout + done.stderr
        else:
            with pytest.MonkeyPatch.context() as patched:
                patched.setattr("aws.jobs.canary_job.subprocess", SimpleNamespace(run=_at_once))
                canary(job, GROUP, Client(REGION), KmsSigner(self._key, REGION).public_key)
        new = self._published()[len(before) :]
        for name, dimensions, value in new:
            self.history.add(Datum(name, value, self.now, tuple(sorted(dimensions.items()))))
        return {name: value for name, dimensions, value in new if dimensions == {"Group": GROUP}}

    @property
    def _key(self) -> str:
        return self.cloud.outputs()["SigningKeyArn"]

    def _published(self) -> list[tuple[str, dict[str, str], float]]:
        """Return all that CloudWatch was given, in order."""
        backend = get_backend("cloudwatch")[DEFAULT_ACCOUNT_ID][REGION]
        return [
            (each.name, {d.name: d.value for d in each.dimensions}, each.value)
            for each in backend.metric_data
            if each.namespace == NAMESPACE
        ]

    def play(self) -> Played:
        """Return what the alarms of the stack have done up to now."""
        where = Where(REGION, DEFAULT_ACCOUNT_ID)
        alarms = [alarm for alarm in read_alarms(self.range.resolved.resources) if alarm.name in self._ours]
        return play_all(alarms, self.history, self.begun, self.now + timedelta(hours=1), where=where)

    @property
    def _ours(self) -> set[str]:
        names = ("accuracy-floor", "accuracy-drop", "attack", "canary-missing", f"model-degraded-{GROUP}")
        return {f"boomerang-{name}" for name in names}

    def answer(self) -> list[dict[str, str]]:
        """Bring to the function each event that the rule takes and that it has not had yet."""
        resources = self.range.resolved.resources
        rule = resources["ModelDegradedRule"]["Properties"]["EventPattern"]
        variables = resources["RejectFunction"]["Properties"]["Environment"]["Variables"]
        variables |= {"TOPIC_ARN": self.cloud.outputs()["AlertsTopicArn"]}
        found = []
        for change in self.play().changes:
            event = change.event(Where(REGION, DEFAULT_ACCOUNT_ID))
            if matches(rule, event) and change.at not in self.answered:
                self.answered.add(change.at)
                with pytest.MonkeyPatch.context() as patched:
                    for name, value in variables.items():
                        patched.setenv(name, str(value))
                    found.append(reject.handler(event, None))
        return found

    def age(self, package: str) -> None:
        """Date a package's last change to now, on the story's days."""
        backend = get_backend("sagemaker")[DEFAULT_ACCOUNT_ID][REGION]
        known = backend.model_packages[backend.model_package_name_mapping.get(package, package)]
        known.last_modified_time = self.now


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    """An empty account, which jobs reach over HTTP."""
    monkeypatch.chdir(tmp_path)
    with cloud(tmp_path / "cloud", monkeypatch) as made:
        server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
        server.start()
        over_http["AWS_ENDPOINT_URL"] = "http://{}:{}".format(*server.get_host_and_port())
        monkeypatch.setattr(
            "pipelines.runners.process.processes.job_environment",
            lambda project: job_environment(project) | over_http,
        )
        yield made
        server.stop()


# What a process needs to reach moto; SageMaker gives its jobs their role.
over_http = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}


def listen(cloud: Cloud) -> str:
    """Subscribe a queue to the topic, and return its address."""
    queue: str = cloud.client("sqs").create_queue(QueueName="people")["QueueUrl"]
    arn = f"arn:aws:sqs:{REGION}:{DEFAULT_ACCOUNT_ID}:people"
    topic = cloud.outputs()["AlertsTopicArn"]
    cloud.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    return queue


def fetch(cloud: Cloud, folder: Path, prefix: str) -> Path:
    """Copy what lies below a prefix of the data bucket."""
    s3, bucket = cloud.client("s3"), cloud.outputs()["DataBucketName"]
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for each in page["Contents"]:
            target = folder / each["Key"].removeprefix(prefix)
            target.parent.mkdir(parents=True, exist_ok=True)
            s3.download_file(bucket, each["Key"], str(target))
    return folder


def verified_offline(
    cloud: Cloud, execution: Execution, folder: Path, capsys: pytest.CaptureFixture[str]
) -> str:
    """Verify what lies in the bucket of an execution, with the public key alone, and return what is said."""
    fetch(cloud, folder, f"boomerang/default/runs/{execution.run_id}/")
    assert main(["key", "--on", "aws", "stack.pub.pem"]) == EXIT_PASSED
    assert main(["verify", str(folder), "--key", "stack.pub.pem"]) == EXIT_PASSED
    return capsys.readouterr().out


def statuses(cloud: Cloud, packages: list[str]) -> list[str]:
    describe = cloud.client("sagemaker").describe_model_package
    return [describe(ModelPackageName=arn)["ModelApprovalStatus"] for arn in packages]


def left(cloud: Cloud) -> dict[str, list[Any]]:
    """Return what is still there of what the stack does not retain."""
    return {
        "pipelines": cloud.client("sagemaker").list_pipelines()["PipelineSummaries"],
        "alarms": cloud.client("cloudwatch").describe_alarms()["MetricAlarms"],
        "dashboards": cloud.client("cloudwatch").list_dashboards()["DashboardEntries"],
        "rules": cloud.client("events").list_rules()["Rules"],
        "functions": cloud.client("lambda").list_functions()["Functions"],
        "topics": cloud.client("sns").list_topics()["Topics"],
    }


def started(capsys: pytest.CaptureFixture[str], entry: list[str]) -> str:
    """Start the deployed pipeline, and return the execution."""
    capsys.readouterr()
    assert main(["run", "--on", "aws", *entry]) == EXIT_PASSED
    return capsys.readouterr().out.split()[0]


def test_the_whole_story(
    here: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # Deploy and run: the gate passes the hardened model, which waits for a person.
    assert main(["deploy", "--yes", *ENTRY]) == EXIT_PASSED
    queue = listen(here)
    sagemaker = Executor(here, tmp_path / "sagemaker", monkeypatch)
    execution = sagemaker.run(started(capsys, ENTRY))
    assert execution.status == "Succeeded", execution.failure
    assert statuses(here, sagemaker.packages) == ["PendingManualApproval"]
    assert main(["status"]) == EXIT_PASSED

    assert "model 'hardened' (" in verified_offline(here, execution, tmp_path / "fetched", capsys)

    # A person approves, and five canaries in a row are good: no alarm, no event.
    assert main(["approve", f"{GROUP}/1", "--on", "aws", "--by", "ada"]) == EXIT_PASSED
    watch = Watch(
        here, deployed(connect(REGION), "boomerang"), tmp_path / "canaries", datetime.now(UTC) - 20 * DAY
    )
    watch.age(sagemaker.packages[0])
    for day in range(5):
        good = watch.ask(as_a_process=day == 0)
        assert good["CanaryAccuracy"] >= 0.95 and good["AttackSuccessRate"] <= 0.1
    assert watch.answer() == []
    assert statuses(here, sagemaker.packages) == ["Approved"]

    # The same without hardening: the gate rejects the victim, and a person lets it into use all the same.
    assert main(["deploy", "--yes", *UNDEFENDED]) == EXIT_PASSED
    execution = sagemaker.run(started(capsys, UNDEFENDED))
    assert execution.failed_step == "Fail" and "the gate rejected" in execution.failure.lower()
    assert main(["status"]) == EXIT_REJECTED
    assert statuses(here, sagemaker.packages) == ["Approved", "Rejected"]
    override = ["--override", "--reason", "its accuracy is fine"]
    assert main(["approve", f"{GROUP}/2", "--on", "aws", "--by", "ada", *override]) == EXIT_PASSED
    watch.age(sagemaker.packages[1])

    # One bad canary rejects nothing; the second is an alarm, an event, a rejection, and a message.
    assert watch.ask()["AttackSuccessRate"] > 0.9
    assert watch.answer() == []
    assert watch.ask()["AttackSuccessRate"] > 0.9
    assert [each["outcome"] for each in watch.answer()] == ["rejected"]
    assert statuses(here, sagemaker.packages) == ["Approved", "Rejected"]
    second = here.client("sagemaker").describe_model_package(ModelPackageName=sagemaker.packages[1])
    assert second["ApprovalDescription"].startswith(
        "Rejected by the alarm boomerang-model-degraded-boomerang"
    )
    assert second["CustomerMetadataProperties"]["Campaign"] == "default"
    (message,) = here.client("sqs").receive_message(QueueUrl=queue)["Messages"]
    assert sagemaker.packages[1] in json.loads(message["Body"])["Message"]

    # The canary is back on the first model, the alarm with it, and nothing else is rejected.
    for _ in range(3):
        assert watch.ask()["AttackSuccessRate"] <= 0.1
    assert watch.answer() == []
    assert watch.play().of(f"boomerang-model-degraded-{GROUP}")[-1][1] is State.OK
    assert statuses(here, sagemaker.packages) == ["Approved", "Rejected"]

    # The dashboard that is stored names the newest package; destroy leaves what the policy retains.
    assert main(["dashboard", "--on", "aws"]) == EXIT_PASSED
    body = here.client("cloudwatch").get_dashboard(DashboardName="boomerang")["DashboardBody"]
    assert "Rejected by the alarm" in body
    kept = here.objects()
    assert main(["destroy", "--yes"]) == EXIT_PASSED
    capsys.readouterr()
    assert main(["destroy", "--yes"]) == EXIT_PASSED
    assert "nothing to delete" in capsys.readouterr().out
    assert left(here) == {
        "pipelines": [],
        "alarms": [],
        "dashboards": [],
        "rules": [],
        "functions": [],
        "topics": [],
    }
    buckets = [each["Name"] for each in here.client("s3").list_buckets()["Buckets"]]
    assert sorted(name.split("-")[1] for name in buckets) == ["databucket", "logbucket"]
    assert len(kept) > 100 and statuses(here, sagemaker.packages) == ["Approved", "Rejected"]
