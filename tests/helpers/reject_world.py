"""What the alarm's function acts on: a region of moto's, and the events as AWS documents them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
from moto.backends import get_backend
from moto.core import DEFAULT_ACCOUNT_ID

from aws.reject.handler import REJECTED_AT, handler

REGION = "us-east-1"
DAY = timedelta(days=1)
GROUP, OTHER = "boomerang", "another"
WATCHED = {"Campaign": "default", "ModelDigest": "sha256:ab"}
BUCKET = "records"
_RUN = "s3://data/boomerang/default/runs/abc"
MODEL, METRICS = f"{_RUN}/Harden/model/model.tar.gz", f"{_RUN}/Evaluate/evaluation/metrics.json"


def serving(model: str, **container: Any) -> dict[str, Any]:
    """Return an inference specification of one container."""
    return {
        "Containers": [{"Image": "image@sha256:ab", "ModelDataUrl": model, **container}],
        "SupportedContentTypes": ["application/json"],
        "SupportedResponseMIMETypes": ["application/json"],
    }


@dataclass
class World:
    """A region of moto's with two package groups, the topic, and a queue that hears it."""

    session: boto3.Session
    topic: str
    queue: str
    alarm: str

    def register(self, status: str = "PendingManualApproval", group: str = GROUP, **metadata: str) -> str:
        """Register a package, of which the function is told, and return its ARN."""
        arn = self.register_unheard(status, group, **metadata)
        handler(package_event(arn), None)
        return arn

    def register_unheard(
        self, status: str = "PendingManualApproval", group: str = GROUP, **metadata: str
    ) -> str:
        """Register a package of which the function is not told."""
        answer = self.session.client("sagemaker").create_model_package(
            ModelPackageGroupName=group,
            ModelApprovalStatus=status,
            InferenceSpecification=serving(MODEL),
            ModelMetrics={
                "ModelQuality": {"Statistics": {"ContentType": "application/json", "S3Uri": METRICS}}
            },
            CustomerMetadataProperties=WATCHED | metadata,
        )
        return str(answer["ModelPackageArn"])

    def records(self) -> list[str]:
        """Return the keys of what was written down."""
        listed = self.session.client("s3").list_objects_v2(Bucket=BUCKET)
        return [each["Key"] for each in listed.get("Contents", ())]

    def approved(self, group: str = GROUP, days_ago: float = 30) -> str:
        """Register a package that a person has approved so long ago."""
        arn = self.register(group=group)
        self.session.client("sagemaker").update_model_package(
            ModelPackageArn=arn, ModelApprovalStatus="Approved", CustomerMetadataProperties=WATCHED
        )
        self.age(arn, days_ago)
        return arn

    def age(self, arn: str, days: float) -> None:
        """Put a package's last change so many days back."""
        backend = get_backend("sagemaker")[DEFAULT_ACCOUNT_ID][REGION]
        package = backend.model_packages[backend.model_package_name_mapping.get(arn, arn)]
        package.last_modified_time = datetime.now(UTC) - timedelta(days=days)

    def exchange(self, arn: str, **said: Any) -> None:
        """Let a package say something else, as UpdateModelPackage can; of most of it moto takes no notice."""
        backend = get_backend("sagemaker")[DEFAULT_ACCOUNT_ID][REGION]
        package = backend.model_packages[backend.model_package_name_mapping.get(arn, arn)]
        for name, value in said.items():
            setattr(package, name, value)

    def left(self, arn: str, days_ago: float) -> None:
        """Put the time at which a package left service so many days back."""
        when = (datetime.now(UTC) - timedelta(days=days_ago)).isoformat()
        self.session.client("sagemaker").update_model_package(
            ModelPackageArn=arn,
            ModelApprovalStatus="Rejected",
            CustomerMetadataProperties=self.describe(arn)["CustomerMetadataProperties"] | {REJECTED_AT: when},
        )

    def describe(self, arn: str) -> dict[str, Any]:
        """Return a package."""
        found: dict[str, Any] = self.session.client("sagemaker").describe_model_package(ModelPackageName=arn)
        return found

    def statuses(self, *arns: str) -> list[str]:
        """Return the approval status of each package."""
        return [self.describe(arn)["ModelApprovalStatus"] for arn in arns]

    def messages(self) -> list[dict[str, str]]:
        """Take what has arrived in the queue."""
        answer = self.session.client("sqs").receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10)
        return [json.loads(message["Body"]) for message in answer.get("Messages", ())]

    def raise_alarm(self, state: str = "ALARM") -> None:
        """Give moto a composite alarm in a state."""
        backend = get_backend("cloudwatch")[DEFAULT_ACCOUNT_ID][REGION]
        keys = "namespace metric_name comparison_operator evaluation_periods datapoints_to_alarm"
        keys += " period threshold statistic extended_statistic description unit treat_missing_data"
        keys += " evaluate_low_sample_count_percentile threshold_metric_id"
        lists = "metric_data_queries dimensions alarm_actions ok_actions insufficient_data_actions tags"
        empty: dict[str, Any] = {**dict.fromkeys(keys.split()), **{key: [] for key in lists.split()}}
        backend.put_metric_alarm(name=self.alarm, rule="ALARM(x)", actions_enabled=True, **empty)
        backend.set_alarm_state(self.alarm, "three bad points", "{}", state)


def alarm_event(at: datetime | None = None, name: str = "", **state: Any) -> dict[str, Any]:
    """Return the documented event of a composite alarm that went into ALARM."""
    when = (at or datetime.now(UTC)).strftime("%Y-%m-%dT%H:%M:%S.%f%z")
    reason = "arn:aws:cloudwatch:us-east-1:123456789012:alarm:boomerang-attack transitioned\nto ALARM"
    return {
        "version": "0",
        "id": "d3dfc86d-384d-24c8-0345-9f7986db0b80",
        "detail-type": "CloudWatch Alarm State Change",
        "source": "aws.cloudwatch",
        "time": "2026-11-20T10:00:00Z",
        "detail": {
            "alarmName": name or f"boomerang-model-degraded-{GROUP}",
            "state": {"value": "ALARM", "reason": reason, "timestamp": when, **state},
            "previousState": {"value": "OK"},
        },
    }


def canary_event(at: datetime | None = None, **detail: Any) -> dict[str, Any]:
    """Return the documented event of a pipeline execution that ended well."""
    arn = f"arn:aws:sagemaker:{REGION}:{DEFAULT_ACCOUNT_ID}:pipeline/boomerang-canary"
    return {
        "version": "0",
        "id": "315c1398-40ff-a850-213b-158f73kd93ir",
        "detail-type": "SageMaker Model Building Pipeline Execution Status Change",
        "source": "aws.sagemaker",
        "time": (at or datetime.now(UTC)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "detail": {
            "currentPipelineExecutionStatus": "Succeeded",
            "previousPipelineExecutionStatus": "Executing",
            "pipelineArn": arn,
            "pipelineExecutionArn": f"{arn}/execution/p4jn9xou8a8s",
            **detail,
        },
    }


def package_event(arn: str, status: str = "PendingManualApproval") -> dict[str, Any]:
    """Return the documented event of a package whose status changed."""
    group = arn.partition(":model-package/")[2].partition("/")[0]
    return {
        "version": "0",
        "id": "844e2571-85d4-695f-b930-0153b71dcb42",
        "detail-type": "SageMaker Model Package State Change",
        "source": "aws.sagemaker",
        "time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "resources": [arn],
        "detail": {
            "ModelPackageGroupName": group,
            "ModelPackageVersion": 2,
            "ModelPackageArn": arn,
            "ModelPackageStatus": "Completed",
            "ModelApprovalStatus": status,
        },
    }
