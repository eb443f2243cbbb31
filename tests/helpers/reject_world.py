"""What the alarm's function acts on: a region of moto's, and the events as AWS documents them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
from moto.backends import get_backend
from moto.core import DEFAULT_ACCOUNT_ID

REGION = "us-east-1"
DAY = timedelta(days=1)
GROUP, OTHER = "boomerang", "another"
WATCHED = {"Campaign": "default", "ModelDigest": "sha256:ab"}


@dataclass
class World:
    """A region of moto's with two package groups, the topic, and a queue that hears it."""

    session: boto3.Session
    topic: str
    queue: str
    alarm: str

    def register(self, status: str = "PendingManualApproval", group: str = GROUP, **metadata: str) -> str:
        """Register a package and return its ARN."""
        answer = self.session.client("sagemaker").create_model_package(
            ModelPackageGroupName=group,
            ModelApprovalStatus=status,
            CustomerMetadataProperties=WATCHED | metadata,
        )
        return str(answer["ModelPackageArn"])

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
