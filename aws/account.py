"""What the person who deploys asks of AWS: each call is a small method here, as in `aws.client`.

Nobody else needs these: no job has the class. `aws/stack/deployer.json` is the policy that allows just these
calls, and `tests/pipelines/cloud/test_deploy.py` holds the two against each other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from aws.client import Client, asking
from boomerang.errors import AwsError, UsageError, nearest

Answer = dict[str, Any]


@contextmanager
def missing(*codes: str) -> Iterator[None]:
    """Go on after the block where AWS says, by one of these codes, that a thing does not exist."""
    from botocore.exceptions import ClientError

    try:
        yield
    except ClientError as error:
        answer = error.response["Error"]
        # A validation error may be about anything; only its text says what.
        validated = answer["Code"] in {"ValidationError", "ValidationException"}
        absent = any(word in answer["Message"] for word in ("does not exist", "not find"))
        if answer["Code"] not in codes or (validated and not absent):
            raise


@dataclass(frozen=True)
class Account(Client):
    """AWS in one region, as the person who deploys uses it."""

    def identity(self) -> tuple[str, str]:
        """Return the account's number, and the ARN of who asks."""
        with asking("sts:GetCallerIdentity", "these credentials"):
            answer = self._service("sts").get_caller_identity()
        return answer["Account"], answer["Arn"]

    # ---- CloudFormation

    def stack(self, name: str) -> Answer | None:
        """Return a stack by name or id, or None where there is none. One that is gone has only an id."""
        with asking("cloudformation:DescribeStacks", name), missing("ValidationError"):
            (found,) = self._service("cloudformation").describe_stacks(StackName=name)["Stacks"]
            return dict(found)
        return None

    def create_change_set(self, **request: Any) -> str:
        """Ask for a change set and return its ARN."""
        with asking("cloudformation:CreateChangeSet", request["StackName"]):
            return str(self._service("cloudformation").create_change_set(**request)["Id"])

    def change_set(self, arn: str) -> Answer:
        """Return a change set with all of its changes."""
        with asking("cloudformation:DescribeChangeSet", arn):
            pages = self._service("cloudformation").get_paginator("describe_change_set")
            answers = list(pages.paginate(ChangeSetName=arn))
        return {**answers[0], "Changes": [each for page in answers for each in page.get("Changes", ())]}

    def delete_change_set(self, arn: str) -> None:
        """Forget a change set that was not executed."""
        with asking("cloudformation:DeleteChangeSet", arn):
            self._service("cloudformation").delete_change_set(ChangeSetName=arn)

    def execute_change_set(self, arn: str) -> None:
        """Begin to make the changes."""
        with asking("cloudformation:ExecuteChangeSet", arn):
            self._service("cloudformation").execute_change_set(ChangeSetName=arn)

    def delete_stack(self, name: str, role: str | None = None) -> None:
        """Begin to delete a stack."""
        given = {"RoleARN": role} if role else {}
        with asking("cloudformation:DeleteStack", name):
            self._service("cloudformation").delete_stack(StackName=name, **given)

    def stack_events(self, stack: str) -> Iterator[Answer]:
        """Yield what happened to a stack, the newest first."""
        with asking("cloudformation:DescribeStackEvents", stack):
            pages = self._service("cloudformation").get_paginator("describe_stack_events")
            for page in pages.paginate(StackName=stack):
                yield from page["StackEvents"]

    # ---- S3

    def stored(self, bucket: str, key: str) -> str | None:
        """Return the SHA-256 (base64) that S3 has of an object, or None where there is no object."""
        with asking("s3:GetObject", f"s3://{bucket}/{key}"), missing("404", "NoSuchKey"):
            answer = self._service("s3").head_object(Bucket=bucket, Key=key, ChecksumMode="ENABLED")
            return str(answer.get("ChecksumSHA256", ""))
        return None

    def keys(self, bucket: str, prefix: str) -> Iterator[str]:
        """Yield the keys of all objects that begin with a prefix."""
        with asking("s3:ListBucket", f"s3://{bucket}/{prefix}"):
            pages = self._service("s3").get_paginator("list_objects_v2")
            for page in pages.paginate(Bucket=bucket, Prefix=prefix):
                yield from (each["Key"] for each in page.get("Contents", ()))

    def store(self, bucket: str, key: str, body: Any, *, checksum: str, kms_key: str) -> None:
        """Put one object, encrypted by KMS; S3 refuses what is not of this SHA-256 (base64).

        It refuses too if there is one: the bucket's policy takes nothing here that would replace another.
        """
        with asking("s3:PutObject", f"s3://{bucket}/{key}"):
            self._service("s3").put_object(
                Bucket=bucket,
                Key=key,
                Body=body,
                ChecksumAlgorithm="SHA256",
                ChecksumSHA256=checksum,
                IfNoneMatch="*",
                ServerSideEncryption="aws:kms",
                SSEKMSKeyId=kms_key,
            )

    def read(self, bucket: str, key: str) -> bytes:
        """Return the content of a small object."""
        with asking("s3:GetObject", f"s3://{bucket}/{key}"):
            return bytes(self._service("s3").get_object(Bucket=bucket, Key=key)["Body"].read())

    # ---- ECR

    def registry_token(self) -> str:
        """Return what signs in to the image registry for twelve hours: `AWS:PASSWORD` in base64."""
        with asking("ecr:GetAuthorizationToken", "the image registry"):
            (answer,) = self._service("ecr").get_authorization_token()["authorizationData"]
        return str(answer["authorizationToken"])

    def pushed(self, repository: str, image: Mapping[str, str]) -> str | None:
        """Return the digest of an image, by `imageTag` or `imageDigest`; None if the repository has none."""
        with asking("ecr:DescribeImages", f"{repository}"), missing("ImageNotFoundException"):
            found = self._service("ecr").describe_images(repositoryName=repository, imageIds=[dict(image)])
            return str(found["imageDetails"][0]["imageDigest"])
        return None

    # ---- SageMaker

    def has_package_group(self, name: str) -> bool:
        """Whether there is a model package group of that name."""
        with asking("sagemaker:DescribeModelPackageGroup", name), missing("ValidationException"):
            self._service("sagemaker").describe_model_package_group(ModelPackageGroupName=name)
            return True
        return False

    def newest_packages(self, group: str, count: int = 3) -> list[Answer]:
        """Return the newest packages of a group, whatever their status, the newest first."""
        with asking("sagemaker:ListModelPackages", group), missing("ValidationException"):
            answer = self._service("sagemaker").list_model_packages(
                ModelPackageGroupName=group,
                SortBy="CreationTime",
                SortOrder="Descending",
                MaxResults=count,
            )
            return list(answer["ModelPackageSummaryList"])
        return []

    def start(self, pipeline: str, *, token: str, name: str = "") -> str:
        """Start a pipeline and return the execution's ARN; the same token never starts a second one."""
        given = {"PipelineExecutionDisplayName": name} if name else {}
        with asking("sagemaker:StartPipelineExecution", pipeline):
            answer = self._service("sagemaker").start_pipeline_execution(
                PipelineName=pipeline, ClientRequestToken=token, **given
            )
        return str(answer["PipelineExecutionArn"])

    def executions(self, pipeline: str) -> Iterator[Answer]:
        """Yield a pipeline's executions, the newest first; none where there is no pipeline."""
        with (
            asking("sagemaker:ListPipelineExecutions", pipeline),
            missing("ValidationException", "ResourceNotFound"),
        ):
            pages = self._service("sagemaker").get_paginator("list_pipeline_executions")
            for page in pages.paginate(PipelineName=pipeline, SortBy="CreationTime", SortOrder="Descending"):
                yield from page["PipelineExecutionSummaries"]

    def execution(self, arn: str) -> Answer:
        """Return what SageMaker knows of an execution."""
        with asking("sagemaker:DescribePipelineExecution", arn):
            return dict(self._service("sagemaker").describe_pipeline_execution(PipelineExecutionArn=arn))

    def executed_definition(self, arn: str) -> str:
        """Return the definition that an execution follows, as JSON text."""
        with asking("sagemaker:DescribePipelineDefinitionForExecution", arn):
            answer = self._service("sagemaker").describe_pipeline_definition_for_execution(
                PipelineExecutionArn=arn
            )
        return str(answer["PipelineDefinition"])

    def steps(self, arn: str) -> list[Answer]:
        """Return the steps of an execution that have begun, in the order in which they did."""
        with asking("sagemaker:ListPipelineExecutionSteps", arn):
            pages = self._service("sagemaker").get_paginator("list_pipeline_execution_steps")
            asked = pages.paginate(PipelineExecutionArn=arn, SortOrder="Ascending")
            return [step for page in asked for step in page["PipelineExecutionSteps"]]

    # ---- CloudWatch

    def dashboard(self, name: str) -> str | None:
        """Return the body of a dashboard, or None where there is none."""
        with asking("cloudwatch:GetDashboard", name), missing("ResourceNotFound"):
            return str(self._service("cloudwatch").get_dashboard(DashboardName=name)["DashboardBody"])
        return None

    def put_dashboard(self, name: str, body: str) -> Sequence[Answer]:
        """Store a dashboard, and return what CloudWatch found odd about it."""
        with asking("cloudwatch:PutDashboard", name):
            answer = self._service("cloudwatch").put_dashboard(DashboardName=name, DashboardBody=body)
        return list(answer.get("DashboardValidationMessages", ()))

    def delete_dashboard(self, name: str) -> bool:
        """Delete a dashboard, and return whether there was one."""
        with asking("cloudwatch:DeleteDashboards", name), missing("ResourceNotFound"):
            self._service("cloudwatch").delete_dashboards(DashboardNames=[name])
            return True
        return False

    def alarms(self, names: Sequence[str]) -> dict[str, str]:
        """Return the state of each alarm of these names that there is, by name."""
        with asking("cloudwatch:DescribeAlarms", ", ".join(names)):
            answer = self._service("cloudwatch").describe_alarms(
                AlarmNames=list(names), AlarmTypes=["MetricAlarm", "CompositeAlarm"]
            )
        found = (*answer.get("CompositeAlarms", ()), *answer.get("MetricAlarms", ()))
        return {alarm["AlarmName"]: alarm["StateValue"] for alarm in found}


def connect(region: str | None = None) -> Account:
    """Return the account of the environment's credentials, in a region that SageMaker is in.

    Parameters
    ----------
    region : str, optional
        As the AWS configuration says, if not given.

    Raises
    ------
    UsageError
        If no region of that name is known.
    AwsError
        If there is none, or the AWS configuration cannot be read.
    """
    with asking("the AWS configuration", "this machine"):
        import boto3

        session = boto3.Session()
        region = region or session.region_name
        partitions = session.get_available_partitions()
        known = [name for each in partitions for name in session.get_available_regions("sagemaker", each)]
    if not region:
        raise AwsError("no region is set", "AWS has no default", "give --region, or set AWS_REGION")
    if region not in known:
        raise UsageError(f"region '{region}'", "SageMaker is in none of this name", nearest(region, known))
    return Account(region)
