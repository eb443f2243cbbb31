"""The seam over boto3: each call of AWS that a job of this project makes is a small method here.

A test gives another client; a role needs just what stands in `Client`. What the person who deploys calls
besides is in `aws.account`. Whatever AWS or the network refuses is an `AwsError` that names the call.
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
        with asking("cloudwatch:PutMetricData", namespace):
            self._service("cloudwatch").put_metric_data(Namespace=namespace, MetricData=list(data))

    def packages(self, group: str, status: str) -> Iterator[str]:
        """Yield the ARNs of a model package group's packages of that status, the newest first."""
        for entry in self._packages(group, ModelApprovalStatus=status):
            yield str(entry["ModelPackageArn"])

    def package_arn(self, group: str, version: int) -> str | None:
        """Return the ARN of one version of a model package group, if there is one."""
        found = (each for each in self._packages(group) if each["ModelPackageVersion"] == version)
        return next((str(entry["ModelPackageArn"]) for entry in found), None)

    def _packages(self, group: str, **asked: str) -> Iterator[dict[str, Any]]:
        with asking("sagemaker:ListModelPackages", group):
            pages = self._service("sagemaker").get_paginator("list_model_packages")
            order = {"SortBy": "CreationTime", "SortOrder": "Descending"}
            for page in pages.paginate(ModelPackageGroupName=group, **asked, **order):
                yield from page["ModelPackageSummaryList"]

    def package(self, arn: str) -> dict[str, Any]:
        """Return what SageMaker knows of a model package."""
        with asking("sagemaker:DescribeModelPackage", arn):
            answer: dict[str, Any] = self._service("sagemaker").describe_model_package(ModelPackageName=arn)
        return answer

    def decide(
        self, arn: str, status: str, why: str, properties: Mapping[str, str], remove: Sequence[str] = ()
    ) -> None:
        """Set a model package's approval status with one line of at most 1,024 characters that says why.

        The properties are the customer's metadata as they shall be, at most 50; `remove` names those that go.
        """
        more: dict[str, Any] = {"CustomerMetadataProperties": dict(properties)} if properties else {}
        more |= {"CustomerMetadataPropertiesToRemove": list(remove)} if remove else {}
        with asking("sagemaker:UpdateModelPackage", arn):
            self._service("sagemaker").update_model_package(
                ModelPackageArn=arn, ModelApprovalStatus=status, ApprovalDescription=why, **more
            )

    def fetch(self, uri: str, target: Path) -> None:
        """Copy the object at `s3://bucket/key` to a file; a download that stops half-way leaves none."""
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        with asking("s3:GetObject", uri):
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
def asking(action: str, about: str) -> Iterator[None]:
    """Turn what boto3 raises into an AwsError that names the call and says what to do."""
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        answer = error.response["Error"]
        why = f"{answer.get('Code')}: {answer.get('Message')}"
        raise AwsError(f"{action} of {about} was refused", why, _after(answer.get("Code"), action)) from error
    except (BotoCoreError, Boto3Error) as error:
        raise AwsError(f"{action} of {about} failed", str(error), _before(type(error).__name__)) from error


_DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "403"}
_WHO = {
    *("ExpiredToken", "ExpiredTokenException", "RequestExpired", "InvalidClientTokenId", "AuthFailure"),
    *("UnrecognizedClientException", "SignatureDoesNotMatch", "InvalidSignatureException"),
}
_NO_CREDENTIALS = {
    *("NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError", "ProfileNotFound"),
    *("SSOTokenLoadError", "TokenRetrievalError", "UnauthorizedSSOTokenError"),
}


def _after(code: str | None, action: str) -> str:
    """Return what to do about a refusal."""
    if code in _DENIED:
        return f"ask for the permission {action}, or use another role (AWS_PROFILE)"
    if code in _WHO:
        return "the credentials are wrong or have expired: sign in again, or set AWS_PROFILE"
    return f"check that it exists in this region, and that your role may {action}"


def _before(error: str) -> str:
    """Return what to do about a call that did not get to AWS."""
    if error in _NO_CREDENTIALS:
        return (
            "sign in to AWS: `aws configure sso` once, then `aws sso login`; AWS_PROFILE chooses the account"
        )
    if error == "EndpointConnectionError":
        return "check the network, and that the region's name (AWS_REGION) is right"
    return "set a region and credentials (AWS_REGION, AWS_PROFILE), and check the network"


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
