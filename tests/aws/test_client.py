"""The seam over boto3 and what goes through it, against moto."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from helpers.manifests import changed
from helpers.ranges import Range
from helpers.signing_cases import Key, fresh_key
from moto import mock_aws

from aws.client import MAX_DATA_PER_REQUEST, MAX_REQUEST_BYTES, Client, batches
from aws.jobs.canary_job import canary, prepare
from aws.jobs.publish import main, publish
from boomerang.contract import ROOT_ENV, Job
from boomerang.errors import AwsError, BadInput, IntegrityError
from boomerang.formats.probes import ProbeSets
from boomerang.manifest import Manifest, commit
from boomerang.signing import SIGNATURE, Signer, sign_folder
from boomerang.watching.history import as_line
from boomerang.watching.metric_names import NAMESPACE, Datum, part, published
from processing.canary import canary as ask_records

REGION = "eu-west-1"
NOW = datetime.now(UTC).replace(microsecond=0)
DATA = (
    *published("CanaryAccuracy", 0.9, NOW, group="jets", version="2"),
    part("CanaryAccuracy", 0.8, NOW, group="jets", class_="bird"),
    *published("CanaryRan", 1.0, NOW, group="jets", version="2"),
)


@pytest.fixture(autouse=True)
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    with mock_aws():
        yield


class Recorded(Client):
    """A client that keeps what it was told to publish, and may fail."""

    def __init__(self, fail_at: int = 0) -> None:
        super().__init__(REGION)
        object.__setattr__(self, "requests", [])
        object.__setattr__(self, "fail_at", fail_at)

    def put_metrics(self, namespace: str, data: Any) -> None:
        self.requests.append(list(data))  # type: ignore[attr-defined]
        if len(self.requests) == self.fail_at:  # type: ignore[attr-defined]
            raise AwsError("throttled")


def left(folder: Path, data: tuple[Datum, ...], kind: str = "canary") -> Path:
    """Write the output of a canary."""
    folder.mkdir()
    (folder / "data.jsonl").write_bytes(b"".join(map(as_line, data)))
    commit(folder, Manifest(name="jets", kind=kind))
    return folder


def arrived(name: str, **dimensions: str) -> list[dict[str, Any]]:
    """Return the points that CloudWatch has of a metric."""
    answer = boto3.client("cloudwatch").get_metric_statistics(
        Namespace=NAMESPACE,
        MetricName=name,
        Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()],
        StartTime=NOW - timedelta(minutes=5),
        EndTime=datetime.now(UTC) + timedelta(minutes=5),
        Period=60,
        Statistics=["Minimum", "Maximum", "SampleCount"],
    )
    points: list[dict[str, Any]] = answer["Datapoints"]
    return points


# --- publishing -----------------------------------------------------------------------------------


def test_what_a_canary_left_arrives(tmp_path: Path) -> None:
    assert publish(left(tmp_path / "metrics", DATA), Client(REGION)) == DATA

    found = boto3.client("cloudwatch").list_metrics(Namespace=NAMESPACE)["Metrics"]
    assert {(m["MetricName"], *sorted(d["Name"] for d in m["Dimensions"])) for m in found} == {
        ("CanaryAccuracy", "Group"),
        ("CanaryAccuracy", "Group", "Version"),
        ("CanaryAccuracy", "Class", "Group"),
        ("CanaryRan", "Group"),
        ("CanaryRan", "Group", "Version"),
    }
    (accuracy,) = arrived("CanaryAccuracy", Group="jets", Class="bird")
    assert (accuracy["Minimum"], accuracy["SampleCount"], accuracy["Unit"]) == (0.8, 1, "None")
    (ran,) = arrived("CanaryRan", Group="jets", Version="2")
    assert (ran["Maximum"], ran["Unit"]) == (1, "Count")


def test_an_empty_or_unfinished_list_publishes_nothing(tmp_path: Path) -> None:
    client = Recorded()
    for number, data in enumerate([(), DATA[:3]]):
        with pytest.raises(BadInput, match="does not end with CanaryRan"):
            publish(left(tmp_path / str(number), data), client)
    assert client.requests == []  # type: ignore[attr-defined]


def test_a_changed_output_is_not_published(tmp_path: Path) -> None:
    folder = left(tmp_path / "metrics", DATA)
    with (folder / "data.jsonl").open("ab") as stream:
        stream.write(as_line(DATA[0]))
    with pytest.raises(IntegrityError, match="has been changed"):
        publish(folder, Recorded())


def test_another_kind_of_folder_is_not_published(tmp_path: Path) -> None:
    with pytest.raises(IntegrityError, match="no canary's output"):
        publish(left(tmp_path / "metrics", DATA, kind="screen"), Recorded())


def test_where_a_request_fails_the_canary_has_not_run(tmp_path: Path) -> None:
    classes = [part("CanaryAccuracy", 1.0, NOW, group="jets", class_=f"c{n}") for n in range(2500)]
    client = Recorded(fail_at=2)
    with pytest.raises(AwsError):
        publish(left(tmp_path / "metrics", (*classes, *DATA[-2:])), client)
    sent = [entry for request in client.requests for entry in request]  # type: ignore[attr-defined]
    assert len(sent) == 2000 and all(entry["MetricName"] != "CanaryRan" for entry in sent)


def test_the_command_publishes_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(left(tmp_path / "metrics", DATA))]) == 0
    assert capsys.readouterr().out == "published 5 data in Boomerang\n"
    assert arrived("CanaryRan", Group="jets")
    assert main([]) == 2
    assert main([str(tmp_path / "none")]) == IntegrityError.exit_code


# --- the limits of a request ----------------------------------------------------------------------


def entries(count: int, characters: int) -> list[dict[str, Any]]:
    words = [f"{n:05}".ljust(characters, "x") for n in range(count)]
    return [part("CanaryAccuracy", 1.0, NOW, group="jets", class_=word).as_request() for word in words]


@pytest.mark.parametrize(
    ("count", "sizes"), [(0, []), (1, [1]), (1000, [1000]), (1001, [1000, 1]), (2500, [1000, 1000, 500])]
)
def test_a_request_holds_at_most_1000_data(count: int, sizes: list[int]) -> None:
    made = list(batches(entries(count, 10)))
    assert [len(batch) for batch in made] == sizes
    assert [entry for batch in made for entry in batch] == entries(count, 10)
    assert MAX_DATA_PER_REQUEST == 1000


def test_no_request_is_larger_than_cloudwatch_takes() -> None:
    sent: list[int] = []
    client = boto3.client("cloudwatch", region_name=REGION)
    client.meta.events.register("before-send", lambda request, **_: sent.append(len(request.body)))
    made = list(batches(entries(1000, 1024)))
    assert 1 < len(made) < 10
    for batch in made:
        client.put_metric_data(Namespace=NAMESPACE, MetricData=batch)
    assert len(sent) == len(made) and max(sent) <= MAX_REQUEST_BYTES


# --- the calls ------------------------------------------------------------------------------------


def test_what_aws_refuses_names_the_call(tmp_path: Path) -> None:
    client = Client(REGION)
    with pytest.raises(AwsError, match=r"s3:GetObject of s3://none/key was refused"):
        client.fetch("s3://none/key", tmp_path / "file")
    with pytest.raises(AwsError, match="sagemaker:DescribeModelPackage of"):
        client.package("arn:aws:sagemaker:eu-west-1:123456789012:model-package/jets/1")
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_asked_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    with pytest.raises(AwsError, match="AWS_REGION"):
        Client().put_metrics(NAMESPACE, [])


# --- the canary's job -----------------------------------------------------------------------------


class Cloud:
    """The digits' run in moto: its model and its evaluation in a bucket, and a package group."""

    def __init__(self, run: Path, package: Path) -> None:
        self.s3, self.sagemaker = boto3.client("s3"), boto3.client("sagemaker")
        self.metrics = json.loads((package / "metrics.json").read_text())
        said = json.loads((package / "package.json").read_text())["metadata"]
        self.metadata = said | {"ProbesDigest": self.metrics["probes"]["digest"]}
        self.s3.create_bucket(Bucket="data", CreateBucketConfiguration={"LocationConstraint": REGION})
        self.s3.upload_file(str(package / "model.tar.gz"), "data", "run/model.tar.gz")
        (evaluation,) = run.glob("s3/*/*/*/runs/*/Evaluate/evaluation")
        for folder in ("canaries", "probes"):
            for file in (each for each in (evaluation / folder).rglob("*") if each.is_file()):
                self.put(file.relative_to(evaluation).as_posix(), file.read_bytes())
        self.put("metrics.json", json.dumps(self.metrics).encode())
        self.sagemaker.create_model_package_group(ModelPackageGroupName="boomerang")

    def put(self, name: str, content: bytes) -> None:
        """Write a file of the evaluation."""
        self.s3.put_object(Bucket="data", Key=f"run/evaluation/{name}", Body=content)

    def get(self, name: str) -> bytes:
        """Return a file of the evaluation."""
        found: bytes = self.s3.get_object(Bucket="data", Key=f"run/evaluation/{name}")["Body"].read()
        return found

    def register(self, status: str, **metadata: str) -> None:
        """Register the model; `metadata` changes what the package says of itself."""
        statistics = {"ContentType": "application/json", "S3Uri": "s3://data/run/evaluation/metrics.json"}
        self.sagemaker.create_model_package(
            ModelPackageGroupName="boomerang",
            ModelApprovalStatus=status,
            InferenceSpecification={
                "Containers": [{"Image": "image", "ModelDataUrl": "s3://data/run/model.tar.gz"}],
                "SupportedContentTypes": ["application/json"],
                "SupportedResponseMIMETypes": ["application/json"],
            },
            ModelMetrics={"ModelQuality": {"Statistics": statistics}},
            CustomerMetadataProperties=self.metadata | metadata,
        )


@pytest.fixture
def cloud(digits_range: Range) -> Cloud:
    return Cloud(digits_range.first.folder, digits_range.out / "registry" / "digits" / "1")


@pytest.fixture
def step_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run the canary's step here: a process of its own takes seconds to import TensorFlow."""

    def at_once(command: list[str], env: Mapping[str, str], check: bool) -> SimpleNamespace:
        assert (command[1:], check) == (["-m", "processing.canary"], False)
        ask_records(Job(Path(env[ROOT_ENV])))
        return SimpleNamespace(returncode=0)

    monkeypatch.setattr("aws.jobs.canary_job.subprocess", SimpleNamespace(run=at_once))


def test_the_job_asks_the_newest_approved_package_and_publishes(cloud: Cloud, tmp_path: Path) -> None:
    for status in ("Approved", "Approved", "PendingManualApproval", "Rejected"):
        cloud.register(status)
    job = Job(tmp_path / "ml")

    canary(job, "boomerang", Client(REGION))

    assert json.loads((job.output("metrics") / "metrics.json").read_text())["version"] == 2
    (accuracy,) = arrived("CanaryAccuracy", Group="boomerang", Version="2")
    assert accuracy["Minimum"] == 1
    assert arrived("CanaryRan", Group="boomerang") and not arrived(
        "CanaryRan", Group="boomerang", Version="1"
    )


@pytest.mark.usefixtures("step_here")
def test_the_attacks_are_measured_on_the_probes_that_were_registered(cloud: Cloud, tmp_path: Path) -> None:
    cloud.register("Approved")
    job = Job(tmp_path / "ml")
    canary(job, "boomerang", Client(REGION))

    said = json.loads((job.output("metrics") / "metrics.json").read_text())
    assert said["attacks"]["corner"]["total"] == 256
    (rate,) = arrived("AttackSuccessRate", Group="boomerang", Trigger="corner")
    assert rate["Maximum"] == said["attacks"]["corner"]["value"] == said["registered"]["corner"]
    (worst,) = arrived("AttackSuccessRate", Group="boomerang")
    assert worst["Maximum"] == rate["Maximum"]


@pytest.mark.usefixtures("step_here")
@pytest.mark.whole
def test_a_package_without_attacks_publishes_no_rate_of_one(cloud: Cloud, tmp_path: Path) -> None:
    cloud.metrics["probes"] = ProbeSets().model_dump(mode="json")
    cloud.put("metrics.json", json.dumps(cloud.metrics).encode())
    cloud.register("Approved", ProbesDigest=ProbeSets().digest)
    canary(Job(tmp_path / "ml"), "boomerang", Client(REGION))
    assert arrived("CanaryRan", Group="boomerang") and not arrived("AttackSuccessRate", Group="boomerang")


@pytest.mark.parametrize("name", ["canaries/y.npy", "probes/corner/x.npy"])
def test_changed_records_publish_nothing(cloud: Cloud, tmp_path: Path, name: str) -> None:
    cloud.register("Approved")
    cloud.put(name, b"something else")
    job = Job(tmp_path / "ml")

    with pytest.raises(IntegrityError, match=r"\.npy has been changed"):
        canary(job, "boomerang", Client(REGION))

    assert not (job.root / "processing" / "input" / "config").exists(), "the step was not prepared"
    assert boto3.client("cloudwatch").list_metrics(Namespace=NAMESPACE)["Metrics"] == []


def test_a_step_that_fails_publishes_nothing_and_leaves_the_reason(cloud: Cloud, tmp_path: Path) -> None:
    cloud.register("Approved")
    cloud.s3.put_object(Bucket="data", Key="run/model.tar.gz", Body=b"no model")
    job = Job(tmp_path / "ml")

    with pytest.raises(SystemExit) as stopped:
        canary(job, "boomerang", Client(REGION))

    assert stopped.value.code == IntegrityError.exit_code
    assert "model.tar.gz" in (job.root / "output" / "message").read_text()
    assert boto3.client("cloudwatch").list_metrics(Namespace=NAMESPACE)["Metrics"] == []


# --- signed packages ------------------------------------------------------------------------------

PARTS = ("canaries", "probes/corner")
SIGNED = {
    "ModelSignature": "s3://data/run/signatures/model",
    "EvaluationSignature": "s3://data/run/signatures/evaluation",
}


def sign(cloud: Cloud, folder: Path, signer: Signer) -> None:
    """Sign the model and what the canary asks, as the signing job leaves it."""
    places = {"model": folder / "model"} | {f"evaluation/{name}": folder / name for name in PARTS}
    places["model"].mkdir(parents=True)
    cloud.s3.download_file("data", "run/model.tar.gz", str(places["model"] / "model.tar.gz"))
    for name in PARTS:
        (folder / name).mkdir(parents=True)
        for file in ("manifest.json", "x.npy", "y.npy"):
            (folder / name / file).write_bytes(cloud.get(f"{name}/{file}"))
    for name, place in places.items():
        sign_folder(place, signer, into=folder / "made")
        made = str(folder / "made" / SIGNATURE)
        cloud.s3.upload_file(made, "data", f"run/signatures/{name}/{SIGNATURE}")


def prepared(cloud: Cloud, folder: Path, key: Key) -> Path:
    """Prepare the newest package for the step, and return what tells the step to begin."""
    client = Client(REGION)
    prepare(folder, "boomerang", next(client.packages("boomerang", "Approved")), client, key.public)
    return folder / "config" / "config.json"


def test_a_signed_package_is_prepared(cloud: Cloud, tmp_path: Path) -> None:
    key = fresh_key(tmp_path)
    sign(cloud, tmp_path / "signed", key.signer)
    cloud.register("Approved", **SIGNED)
    assert prepared(cloud, tmp_path / "ml", key).is_file()


def unsigned(cloud: Cloud) -> dict[str, str]:
    return {}


def another_model(cloud: Cloud) -> dict[str, str]:
    cloud.s3.put_object(Bucket="data", Key="run/model.tar.gz", Body=b"another")
    return SIGNED


def swapped(cloud: Cloud) -> dict[str, str]:
    where = "run/signatures/evaluation"
    cloud.s3.copy_object(
        Bucket="data",
        Key=f"{where}/canaries/{SIGNATURE}",
        CopySource=f"data/{where}/probes/corner/{SIGNATURE}",
    )
    return SIGNED


def missing(cloud: Cloud) -> dict[str, str]:
    cloud.s3.delete_object(Bucket="data", Key=f"run/signatures/evaluation/probes/corner/{SIGNATURE}")
    return SIGNED


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        (unsigned, "the package is not signed"),
        (another_model, r"model\.tar\.gz has been changed"),
        (swapped, "is not what was signed"),
        (missing, "s3:GetObject"),
    ],
)
def test_what_is_not_signed_is_not_opened(
    cloud: Cloud, tmp_path: Path, damage: Callable[[Cloud], dict[str, str]], why: str
) -> None:
    key = fresh_key(tmp_path)
    sign(cloud, tmp_path / "signed", key.signer)
    cloud.register("Approved", **damage(cloud))
    with pytest.raises((IntegrityError, AwsError), match=why):
        prepared(cloud, tmp_path / "ml", key)
    assert not (tmp_path / "ml" / "config").exists(), "the step was not prepared"


def test_what_another_key_has_signed_is_not_opened(cloud: Cloud, tmp_path: Path) -> None:
    sign(cloud, tmp_path / "signed", fresh_key(tmp_path, "other.pem").signer)
    cloud.register("Approved", **SIGNED)
    with pytest.raises(IntegrityError, match="key"):
        prepared(cloud, tmp_path / "ml", fresh_key(tmp_path))
    assert not (tmp_path / "ml" / "config").exists(), "the step was not prepared"


@pytest.mark.parametrize("key", ["ModelDigest", "CanaryDigest", "ProbesDigest"])
def test_metrics_that_are_not_the_package_s_stop_the_job(cloud: Cloud, tmp_path: Path, key: str) -> None:
    cloud.register("Approved", **{key: "0" * 64})
    with pytest.raises(IntegrityError, match=f"{key} in them are not those"):
        canary(Job(tmp_path / "ml"), "boomerang", Client(REGION))


def test_other_records_than_the_metrics_name_are_not_followed(cloud: Cloud, tmp_path: Path) -> None:
    cloud.register("Approved")
    for name in ("canaries", "probes/corner"):
        whole = cloud.get(f"{name}/manifest.json")
        cloud.put(f"{name}/manifest.json", changed(whole, seed=1))
        with pytest.raises(IntegrityError, match=f"{name} is not what was registered"):
            canary(Job(tmp_path / name / "ml"), "boomerang", Client(REGION))
        cloud.put(f"{name}/manifest.json", whole)


def test_records_that_name_a_file_outside_their_folder_are_refused(cloud: Cloud, tmp_path: Path) -> None:
    """Even where they were registered so."""
    text = cloud.get("canaries/manifest.json")
    outside = {"../../../outside": {"sha256": "0" * 64, "bytes": 1}}
    manifest = changed(text, files=json.loads(text)["files"] | outside)
    cloud.metrics["canaries"]["digest"] = json.loads(manifest)["digest"]
    cloud.put("metrics.json", json.dumps(cloud.metrics).encode())
    cloud.put("canaries/manifest.json", manifest)
    cloud.register("Approved", CanaryDigest=cloud.metrics["canaries"]["digest"])
    with pytest.raises(BadInput, match="stays inside the folder"):
        canary(Job(tmp_path / "ml"), "boomerang", Client(REGION))


def test_without_an_approved_package_the_job_stops(cloud: Cloud, tmp_path: Path) -> None:
    cloud.register("Rejected")
    with pytest.raises(BadInput, match="none of its packages is Approved"):
        canary(Job(tmp_path / "ml"), "boomerang", Client(REGION))
