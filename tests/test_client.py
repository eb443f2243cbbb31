"""The seam over boto3 and what goes through it, against moto."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from conftest import Range
from moto import mock_aws

from aws.canary import canary
from aws.client import MAX_DATA_PER_REQUEST, MAX_REQUEST_BYTES, Client, batches
from aws.publish import main, publish
from boomerang.contract import Job
from boomerang.errors import AwsError, BadInput, IntegrityError
from boomerang.history import as_line
from boomerang.manifest import Manifest, commit
from boomerang.watch import NAMESPACE, Datum, part, published

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
        EndTime=NOW + timedelta(minutes=5),
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
        self.metadata = json.loads((package / "package.json").read_text())["metadata"]
        self.s3.create_bucket(Bucket="data", CreateBucketConfiguration={"LocationConstraint": REGION})
        self.s3.upload_file(str(package / "model.tar.gz"), "data", "run/model.tar.gz")
        (evaluation,) = run.glob("s3/*/*/*/runs/*/Evaluate/evaluation")
        for file in [evaluation / "metrics.json", *(evaluation / "canaries").iterdir()]:
            key = f"run/evaluation/{file.relative_to(evaluation).as_posix()}"
            self.s3.upload_file(str(file), "data", key)
        self.sagemaker.create_model_package_group(ModelPackageGroupName="boomerang")

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
    return Cloud(digits_range.first.folder, digits_range.out / "registry" / "boomerang" / "1")


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


def test_changed_records_publish_nothing(cloud: Cloud, tmp_path: Path) -> None:
    cloud.register("Approved")
    cloud.s3.put_object(Bucket="data", Key="run/evaluation/canaries/y.npy", Body=b"other labels")
    job = Job(tmp_path / "ml")

    with pytest.raises(SystemExit) as stopped:
        canary(job, "boomerang", Client(REGION))

    assert stopped.value.code == IntegrityError.exit_code
    assert "y.npy has been changed" in (job.root / "output" / "message").read_text()
    assert boto3.client("cloudwatch").list_metrics(Namespace=NAMESPACE)["Metrics"] == []


@pytest.mark.parametrize("key", ["ModelDigest", "CanaryDigest"])
def test_metrics_that_are_not_the_package_s_stop_the_job(cloud: Cloud, tmp_path: Path, key: str) -> None:
    cloud.register("Approved", **{key: "0" * 64})
    with pytest.raises(IntegrityError, match="not those that were registered"):
        canary(Job(tmp_path / "ml"), "boomerang", Client(REGION))


def test_records_that_name_a_file_outside_their_folder_are_refused(cloud: Cloud, tmp_path: Path) -> None:
    cloud.register("Approved")
    key = "run/evaluation/canaries/manifest.json"
    manifest = json.loads(cloud.s3.get_object(Bucket="data", Key=key)["Body"].read())
    manifest["files"]["../../../outside"] = {"sha256": "0" * 64, "bytes": 1}
    cloud.s3.put_object(Bucket="data", Key=key, Body=json.dumps(manifest).encode())
    with pytest.raises(BadInput, match="stays inside the folder"):
        canary(Job(tmp_path / "ml"), "boomerang", Client(REGION))


def test_without_an_approved_package_the_job_stops(cloud: Cloud, tmp_path: Path) -> None:
    cloud.register("Rejected")
    with pytest.raises(BadInput, match="none of its packages is Approved"):
        canary(Job(tmp_path / "ml"), "boomerang", Client(REGION))
