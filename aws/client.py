"""The one seam over boto3: each call of AWS that this project makes is a small method here.

A test gives another client; a role needs just what stands in `Client`. Whatever AWS or the network refuses
is an `AwsError` that names the call.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from boomerang.errors import AwsError

# Limits of PutMetricData. The documentation says 1 MB; what a request's text takes is estimated.
MAX_DATA_PER_REQUEST = 1000
MAX_REQUEST_BYTES = 900_000


@dataclass(frozen=True)
class Client:
    """AWS in one region, with the credentials of the environment.

    Parameters
    ----------
    region : str, optional
        As the AWS configuration says, if not given.
    """

    region: str | None = None

    def put_metrics(self, namespace: str, data: Sequence[Mapping[str, Any]]) -> None:
        """Publish the entries of one PutMetricData request, at most 1,000 of them."""
        with _asking("cloudwatch:PutMetricData", namespace):
            self._service("cloudwatch").put_metric_data(Namespace=namespace, MetricData=list(data))

    def packages(self, group: str, status: str) -> Iterator[str]:
        """Yield the ARNs of a model package group's packages of that status, the newest first."""
        with _asking("sagemaker:ListModelPackages", group):
            pages = self._service("sagemaker").get_paginator("list_model_packages")
            asked = {"ModelPackageGroupName": group, "ModelApprovalStatus": status}
            for page in pages.paginate(**asked, SortBy="CreationTime", SortOrder="Descending"):
                for entry in page["ModelPackageSummaryList"]:
                    yield str(entry["ModelPackageArn"])

    def package(self, arn: str) -> dict[str, Any]:
        """Return what SageMaker knows of a model package."""
        with _asking("sagemaker:DescribeModelPackage", arn):
            answer: dict[str, Any] = self._service("sagemaker").describe_model_package(ModelPackageName=arn)
        return answer

    def fetch(self, uri: str, target: Path) -> None:
        """Copy the object at `s3://bucket/key` to a file; a download that stops half-way leaves none."""
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        with _asking("s3:GetObject", uri):
            self._service("s3").download_file(bucket, key, str(target))

    def _service(self, name: str) -> Any:
        if name not in self._services:
            import boto3

            self._services[name] = boto3.client(name, region_name=self.region)
        return self._services[name]

    @cached_property
    def _services(self) -> dict[str, Any]:
        return {}


@contextmanager
def _asking(action: str, about: str) -> Iterator[None]:
    """Turn what boto3 raises into an AwsError that names the call."""
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        answer = error.response["Error"]
        why = f"{answer.get('Code')}: {answer.get('Message')}"
        do = f"check that it exists in this region, and that your role may {action}"
        raise AwsError(f"{action} of {about} was refused", why, do) from error
    except (BotoCoreError, Boto3Error) as error:
        do = "set a region and credentials (AWS_REGION, AWS_PROFILE), and check the network"
        raise AwsError(f"{action} of {about} failed", str(error), do) from error


def batches(data: Sequence[Mapping[str, Any]]) -> Iterator[list[Mapping[str, Any]]]:
    """Yield entries of `MetricData` in order, as many at a time as one request may hold."""
    batch: list[Mapping[str, Any]] = []
    room = MAX_REQUEST_BYTES
    for entry in data:
        size = _bytes(entry)
        if batch and (len(batch) == MAX_DATA_PER_REQUEST or size > room):
            yield batch
            batch, room = [], MAX_REQUEST_BYTES
        batch.append(entry)
        room -= size
    if batch:
        yield batch


def _bytes(entry: Mapping[str, Any]) -> int:
    """Return more than an entry takes in a request: the names of its fields, each character escaped."""
    words = sum(len(d["Name"]) + len(d["Value"]) for d in entry["Dimensions"]) + len(entry["MetricName"])
    return 400 + 100 * len(entry["Dimensions"]) + 3 * words
