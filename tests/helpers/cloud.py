"""A cloud to deploy into: moto, and a named fake of each thing that moto cannot do.

What is moto's own: S3, IAM, KMS, ECR, SNS, SQS, Lambda, EventBridge, Scheduler, CloudWatch's metrics and
dashboards, the registry, pipelines and their executions, and the resources of the template that its
CloudFormation makes when a stack is created, changed and deleted.

What is faked here, and why:

change sets      moto's show no change that comes from a parameter, and make a second stack beside one that
                 is in REVIEW_IN_PROGRESS. Here CreateChangeSet, DescribeChangeSet, ExecuteChangeSet and
                 DeleteChangeSet follow CloudFormation's documentation: the changes are those between what
                 `aws.stack.intrinsics` makes of the template before and after; executing one is moto's
                 CreateStack or UpdateStack. What would be replaced is not worked out: no change says so,
                 unless a test does.
parameters       moto says a list that is empty as "['']": here they are kept as they were given.
states           moto's stacks are finished at once. Here the first look at a stack after its change finds
                 it still busy, and `break_next` makes a change end in ROLLBACK_COMPLETE (or another state).
resources        moto's CloudFormation skips package group, pipelines, alarms, key aliases and the timer, and
                 an update of its own makes none whose condition has come to hold. They are made by moto's
                 own API calls, with the properties that the template gives them. Budget, subscription, and
                 the policies of bucket, topic and queue are not made at all, nor is the retry setting of
                 the function.
composite alarm  moto has no PutCompositeAlarm: it is written into moto's records.
signing key      moto's CloudFormation ignores KeySpec: its key is replaced by an ECC_NIST_P256 one of
                 moto's.
steps            moto has no ListPipelineExecutionSteps: a test gives the steps (`steps`), and sets the
                 state of an execution in moto's records (`end`). moto lists executions oldest first, and
                 shows a definition that came from S3 as Python: both are put right.
docker           an executable on PATH that has one image, notes what it is called with, and what it is
                 given on standard input. What it "pushes" is put into moto's ECR before ECR is asked the
                 next time.
names            moto's random names are seeded, so two clouds that were deployed into alike are equal
                 (`state`).

Nothing of the code under test is replaced but its pauses, and that a YAML text is parsed once.
"""

from __future__ import annotations

import ast
import copy
import hashlib
import json
import os
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import botocore.session
import pytest
import yaml
from botocore.exceptions import ClientError
from botocore.loaders import create_loader
from moto import mock_aws
from moto.backends import get_backend
from moto.core import DEFAULT_ACCOUNT_ID
from moto.kms.models import Key
from moto.moto_api._internal import mock_random

from aws.stack.intrinsics import Stack, load_template

REGION = "eu-west-1"
# Of these moto 5.2.5 says that its CloudFormation does not know them; any other warning is an error.
SKIPPED_BY_MOTO = (
    *("AWS::Budgets::Budget", "AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm"),
    *("AWS::Lambda::EventInvokeConfig", "AWS::S3::BucketPolicy", "AWS::SNS::Subscription"),
    *("AWS::SNS::TopicPolicy", "AWS::SQS::QueuePolicy", "AWS::SageMaker::ModelPackageGroup"),
    *("AWS::SageMaker::Pipeline", "AWS::Scheduler::Schedule"),
)
IMAGE = "sha256:" + "1a" * 32

_DOCKER = """#!/bin/sh
printf '%s\\n' "$*" >> "$DOCKER_NOTES/calls"
case "$1 $2" in
  "version --format") echo 27.0 ;;
  "image inspect") echo "{image} 1000" ;;
  "login "*) cat > "$DOCKER_NOTES/password" ;;
  "push "*) [ -e "$DOCKER_NOTES/refuse" ] && exit 1; echo "$2" >> "$DOCKER_NOTES/pushed" ;;
esac
"""

Given = dict[str, Any]


@dataclass
class _ChangeSet:
    stack: str
    create: bool
    body: str
    parameters: dict[str, str]
    changes: list[dict[str, Any]]
    tags: list[dict[str, str]]
    looks: int = 0


@dataclass
class _Broken:
    """A stack whose change failed."""

    status: str
    events: list[dict[str, Any]]


@dataclass
class Interrupt:
    """Where the person interrupts: before or after the answer of the nth call of an operation."""

    operation: str
    nth: int = 1
    after: bool = True
    seen: int = 0

    def hear(self, operation: str, *, after: bool) -> None:
        if operation == self.operation and after == self.after:
            self.seen += 1
            if self.seen == self.nth:
                raise KeyboardInterrupt


@dataclass
class Cloud:
    """One region of an account; see the module. Made by `cloud`."""

    folder: Path
    session: boto3.Session
    raw: boto3.Session
    interrupt: Interrupt | None = None
    steps: list[dict[str, Any]] = field(default_factory=list)
    replaced: set[str] = field(default_factory=set)
    _sets: dict[str, _ChangeSet] = field(default_factory=dict)
    _review: dict[str, str] = field(default_factory=dict)
    _busy: dict[str, str] = field(default_factory=dict)
    _bodies: dict[str, str] = field(default_factory=dict)
    _values: dict[str, dict[str, str]] = field(default_factory=dict)
    _rules: dict[str, list[str]] = field(default_factory=dict)
    _broken: dict[str, _Broken] = field(default_factory=dict)
    _read: dict[str, dict[str, Any]] = field(default_factory=dict)
    _next: tuple[str, str, str] | None = None
    _pushed: int = 0
    _deleted: int = 0

    # ---- what a test does and sees

    def client(self, service: str) -> Any:
        """Return a client of moto's that no fake and no interrupt is heard by."""
        return self.raw.client(service)

    def break_next(self, resource: str, reason: str, status: str = "") -> None:
        """Let the next change, or the deletion, of a stack fail for this reason."""
        self._next = (resource, reason, status)

    def outputs(self, stack: str = "boomerang") -> dict[str, str]:
        """Return a stack's outputs."""
        (found,) = self.client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
        return {each["OutputKey"]: each["OutputValue"] for each in found["Outputs"]}

    def objects(self, stack: str = "boomerang") -> dict[str, str]:
        """Return the digest of every object in the data bucket, by key; one version each."""
        s3, bucket = self.client("s3"), self.outputs(stack)["DataBucketName"]
        versions = s3.list_object_versions(Bucket=bucket).get("Versions", [])
        assert len({each["Key"] for each in versions}) == len(versions), "an object was put twice"
        read = {v["Key"]: s3.get_object(Bucket=bucket, Key=v["Key"])["Body"].read() for v in versions}
        return {key: hashlib.sha256(content).hexdigest() for key, content in read.items()}

    def docker(self) -> list[str]:
        """Return what Docker was called with."""
        notes = self.folder / "docker" / "calls"
        return notes.read_text().splitlines() if notes.exists() else []

    def state(self, stack: str = "boomerang") -> dict[str, Any]:
        """Return everything that a deploy leaves, to be compared."""
        (found,) = self.client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
        sagemaker, cloudwatch = self.client("sagemaker"), self.client("cloudwatch")
        ecr, events = self.client("ecr"), self.client("events")
        pipelines = sagemaker.list_pipelines()["PipelineSummaries"]
        names = [each["DashboardName"] for each in cloudwatch.list_dashboards()["DashboardEntries"]]
        alarms = get_backend("cloudwatch")[DEFAULT_ACCOUNT_ID][REGION].alarms
        return {
            "parameters": self._values[stack],
            "outputs": self.outputs(stack),
            "tags": found["Tags"],
            "objects": self.objects(stack),
            "images": ecr.list_images(repositoryName=stack)["imageIds"],
            "pipelines": {
                each["PipelineName"]: sagemaker.describe_pipeline(PipelineName=each["PipelineName"])[
                    "PipelineDefinition"
                ]
                for each in pipelines
            },
            "groups": sorted(
                each["ModelPackageGroupName"]
                for each in sagemaker.list_model_package_groups()["ModelPackageGroupSummaryList"]
            ),
            "functions": sorted(
                f"{each['FunctionName']} {each['CodeSha256']}"
                for each in self.client("lambda").list_functions()["Functions"]
            ),
            "rules": sorted(each["Name"] for each in events.list_rules()["Rules"]),
            "timers": [each["Name"] for each in self.client("scheduler").list_schedules()["Schedules"]],
            "alarms": sorted(alarms),
            "dashboards": {
                name: cloudwatch.get_dashboard(DashboardName=name)["DashboardBody"] for name in names
            },
        }

    def end(self, execution: str, status: str, **known: Any) -> None:
        """Set the state of an execution of a pipeline, and whatever else moto knows of it."""
        found = self._execution(execution)
        found.pipeline_execution_status = status
        for name, value in known.items():
            setattr(found, name, value)

    def _execution(self, arn: str) -> Any:
        pipelines = get_backend("sagemaker")[DEFAULT_ACCOUNT_ID][REGION].pipelines
        return next(
            each.pipeline_executions[arn] for each in pipelines.values() if arn in each.pipeline_executions
        )

    # ---- events of botocore: each fake answers in place of the network

    def listen(self) -> None:
        """Put the fakes between the session's clients and moto."""
        events = self.session.events
        events.register("before-parameter-build", lambda params, context, **_: context.update(given=params))
        events.register("before-call", self._before)
        events.register("after-call", self._after)

    def _before(self, model: Any, context: dict[str, Any], **_: Any) -> Any:
        operation = f"{model.service_model.service_name}.{model.name}"
        if self.interrupt:
            self.interrupt.hear(model.name, after=False)
        fake: Callable[..., Any] | None = _FAKES.get(operation)
        answer = None if fake is None else fake(self, context["given"])
        return None if answer is None else (SimpleNamespace(status_code=200, headers={}), answer)

    def _after(self, model: Any, parsed: dict[str, Any], **_: Any) -> None:
        if model.name == "ListPipelineExecutions" and "PipelineExecutionSummaries" in parsed:
            parsed["PipelineExecutionSummaries"].reverse()
        if str(parsed.get("PipelineDefinition", "")).startswith("{'"):
            parsed["PipelineDefinition"] = json.dumps(ast.literal_eval(parsed["PipelineDefinition"]))
        if self.interrupt:
            self.interrupt.hear(model.name, after=True)

    # ---- CloudFormation

    def _moto_stack(self, name: str) -> Any:
        stacks = get_backend("cloudformation")[DEFAULT_ACCOUNT_ID][REGION].stacks.values()
        return next((each for each in stacks if each.name == name), None)

    def create_change_set(self, given: Given) -> Given:
        name, create = given["StackName"], given["ChangeSetType"] == "CREATE"
        there = self._moto_stack(name)
        if create == (there is not None) or name in self._broken:
            raise _refused("CreateChangeSet", "ValidationError", f"Stack [{name}] is in no state for it")
        if create:
            self._review.setdefault(name, _arn("cloudformation", f"stack/{name}/review"))
        before = self._values[name] if there else {}
        parameters = {
            each["ParameterKey"]: before[each["ParameterKey"]]
            if each.get("UsePreviousValue")
            else each["ParameterValue"]
            for each in given["Parameters"]
        }
        template = self._template(given["TemplateBody"])
        parameters = {key: str(each["Default"]) for key, each in template["Parameters"].items()} | parameters
        changes = self._changes(name, there, template, parameters)
        arn = _arn("cloudformation", f"changeSet/{given['ChangeSetName']}/1")
        self._sets[arn] = _ChangeSet(
            name, create, given["TemplateBody"], parameters, changes, given.get("Tags", [])
        )
        return {"Id": arn, "StackId": self._review.get(name, "")}

    def _template(self, body: str) -> dict[str, Any]:
        if body not in self._read:
            path = self.folder / "template.yaml"
            path.write_text(body)
            self._read[body] = load_template(path)
        return copy.deepcopy(self._read[body])

    def _changes(
        self, name: str, there: Any, template: dict[str, Any], parameters: dict[str, str]
    ) -> list[dict[str, Any]]:
        after = Stack(template, parameters, {}).resources
        before = {}
        if there is not None:
            before = Stack(self._template(self._bodies[name]), self._values[name], {}).resources
        found = []
        for resource in [*after, *(each for each in before if each not in after)]:
            old, new = before.get(resource), after.get(resource)
            if old == new:
                continue
            action = "Add" if old is None else "Remove" if new is None else "Modify"
            entry = {"Action": action, "LogicalResourceId": resource, "ResourceType": (new or old)["Type"]}
            if action == "Modify":
                entry["Replacement"] = "True" if resource in self.replaced else "False"
            found.append({"Type": "Resource", "ResourceChange": entry})
        return found

    def describe_change_set(self, given: Given) -> Given:
        arn = given["ChangeSetName"]
        found = self._sets[arn]
        found.looks += 1
        answer: Given = {"ChangeSetId": arn, "StackName": found.stack, "Changes": found.changes}
        if found.looks == 1:
            return {**answer, "Changes": [], "Status": "CREATE_IN_PROGRESS"}
        if not found.changes:
            why = "The submitted information didn't contain changes. Submit different information."
            return {**answer, "Status": "FAILED", "StatusReason": why}
        return {**answer, "Status": "CREATE_COMPLETE"}

    def delete_change_set(self, given: Given) -> Given:
        del self._sets[given["ChangeSetName"]]
        return {}

    def execute_change_set(self, given: Given) -> Given:
        made = self._sets[given["ChangeSetName"]]
        # All of a stack's change sets go when one of them is executed.
        self._sets = {arn: each for arn, each in self._sets.items() if each.stack != made.stack}
        self._review.pop(made.stack, None)
        self._busy[made.stack] = "CREATE_IN_PROGRESS" if made.create else "UPDATE_IN_PROGRESS"
        if self._next is not None:
            resource, reason, status = self._next
            self._next = None
            self._break(made, resource, reason, status)
            return {}
        client = self.client("cloudformation")
        act = client.create_stack if made.create else client.update_stack
        mock_random.seed(f"{made.stack} {made.create} {self._deleted}")
        with _moto_warns():
            act(
                StackName=made.stack,
                TemplateBody=made.body,
                Parameters=[{"ParameterKey": k, "ParameterValue": v} for k, v in made.parameters.items()],
                Capabilities=["CAPABILITY_IAM"],
                Tags=made.tags,
            )
        self._bodies[made.stack], self._values[made.stack] = made.body, made.parameters
        self._complete(made)
        return {}

    def _break(self, made: _ChangeSet, resource: str, reason: str, status: str) -> None:
        stack = self._moto_stack(made.stack)
        arn = stack.stack_id if stack else _arn("cloudformation", f"stack/{made.stack}/broken")
        verb = "CREATE" if made.create else "UPDATE"
        status = status or ("ROLLBACK_COMPLETE" if made.create else "UPDATE_ROLLBACK_COMPLETE")
        self._fail(made.stack, arn, verb, resource, reason, status)

    def _fail(self, stack: str, arn: str, verb: str, resource: str, reason: str, status: str) -> None:
        def event(number: int, name: str, state: str, why: str) -> Given:
            return {
                "StackId": arn,
                "StackName": stack,
                "EventId": str(number),
                "Timestamp": datetime.now(UTC),
                "LogicalResourceId": name,
                "PhysicalResourceId": arn if name == stack else "",
                "ResourceStatus": state,
                "ResourceStatusReason": why,
            }

        newest = event(2, resource, f"{verb}_FAILED", reason)
        begun = event(1, stack, f"{verb}_IN_PROGRESS", "User Initiated")
        older = event(0, "Older", f"{verb}_FAILED", "of the time before")
        self._broken[stack] = _Broken(status, [newest, begun, older])

    def describe_stacks(self, given: Given) -> Given | None:
        name = given["StackName"].rpartition("stack/")[2].partition("/")[0]
        now = {"StackName": name, "CreationTime": datetime.now(UTC)}
        busy = self._busy.pop(name, None)
        if name in self._broken:
            broken = self._broken[name]
            arn = broken.events[0]["StackId"]
            return {"Stacks": [{**now, "StackId": arn, "StackStatus": busy or broken.status}]}
        if name in self._review:
            return {"Stacks": [{**now, "StackId": self._review[name], "StackStatus": "REVIEW_IN_PROGRESS"}]}
        answer: Given = self.client("cloudformation").describe_stacks(StackName=given["StackName"])
        (found,) = answer["Stacks"]
        found["StackStatus"] = busy or found["StackStatus"]
        found["Parameters"] = [
            {"ParameterKey": key, "ParameterValue": value} for key, value in self._values[name].items()
        ]
        return answer

    def describe_stack_events(self, given: Given) -> Given | None:
        for broken in self._broken.values():
            if broken.events[0]["StackId"] == given["StackName"]:
                return {"StackEvents": broken.events}
        return None

    def delete_stack(self, given: Given) -> Given | None:
        """Delete what the fake made; moto deletes its own."""
        name = given["StackName"]
        stack = self._moto_stack(name)
        self._review.pop(name, None)
        self._broken.pop(name, None)
        if stack is None:
            return {}
        if self._next is not None:
            resource, reason, _ = self._next
            self._next = None
            self._fail(name, stack.stack_id, "DELETE", resource, reason, "DELETE_FAILED")
            return {}
        resources = Stack(self._template(self._bodies[name]), self._values[name], {}).resources
        for each in resources.values():
            if (maker := _MADE.get(each["Type"])) and each.get("DeletionPolicy") != "Retain":
                maker.delete(self, each["Properties"])
            elif each["Type"] == "AWS::ECR::Repository":
                self._empty(each["Properties"]["RepositoryName"])
        for rule, targets in self._rules.items():
            self.client("events").remove_targets(Rule=rule, Ids=targets)
            self.client("events").delete_rule(Name=rule)
        self._rules.clear()
        self._deleted += 1
        self._busy[name] = "DELETE_IN_PROGRESS"
        return None

    def _empty(self, repository: str) -> None:
        """Do what EmptyOnDelete asks for."""
        ecr = self.client("ecr")
        if images := ecr.list_images(repositoryName=repository)["imageIds"]:
            ecr.batch_delete_image(repositoryName=repository, imageIds=images)

    # ---- resources that moto's CloudFormation leaves out

    def _complete(self, made: _ChangeSet) -> None:
        known = self._known(made.stack)
        after = Stack(self._template(made.body), made.parameters, known).resources
        self._sign_with_a_curve(known["SigningKey"])
        for entry in after.values():
            if maker := _MADE.get(entry["Type"]):
                maker.make(self, entry["Properties"])
        if made.create:
            return
        before = {each["ResourceChange"]["LogicalResourceId"]: each for each in made.changes}
        for name, each in before.items():
            kind = each["ResourceChange"]["ResourceType"]
            if each["ResourceChange"]["Action"] == "Add" and kind == "AWS::Events::Rule":
                self._rule(after[name]["Properties"])

    def _known(self, name: str) -> dict[str, str]:
        """Return what every resource of a stack that moto made is called, with its attributes."""
        stack = self._moto_stack(name)
        known = {"AWS::Region": REGION, "AWS::AccountId": DEFAULT_ACCOUNT_ID, "AWS::StackName": name}
        for logical in stack.resource_map._resource_json_map:
            resource = stack.resource_map._parsed_resources.get(logical)
            if resource is None:
                continue
            known[logical] = str(resource.physical_resource_id)
            for attribute in ("Arn", "QueueName", "RepositoryUri"):
                with _ignoring():
                    known[f"{logical}.{attribute}"] = str(resource.get_cfn_attribute(attribute))
        return known

    def _rule(self, properties: Given) -> None:
        events = self.client("events")
        pattern = json.dumps(properties["EventPattern"])
        events.put_rule(Name=properties["Name"], EventPattern=pattern)
        targets = [{key: each[key] for key in ("Id", "Arn")} for each in properties["Targets"]]
        events.put_targets(Rule=properties["Name"], Targets=targets)
        self._rules[properties["Name"]] = [each["Id"] for each in targets]

    def _sign_with_a_curve(self, key: str) -> None:
        keys = get_backend("kms")[DEFAULT_ACCOUNT_ID][REGION].keys
        identifier = key.rpartition("/")[2]
        if keys[identifier].key_spec == "ECC_NIST_P256":
            return
        made = Key(None, "SIGN_VERIFY", "ECC_NIST_P256", "signs", DEFAULT_ACCOUNT_ID, REGION)
        made.id, made.arn = identifier, keys[identifier].arn
        made.private_key.private_key = _curve_key()
        keys[identifier] = made

    def make_alias(self, properties: Given) -> None:
        kms = self.client("kms")
        if properties["AliasName"] not in {each["AliasName"] for each in kms.list_aliases()["Aliases"]}:
            kms.create_alias(AliasName=properties["AliasName"], TargetKeyId=properties["TargetKeyId"])

    def make_group(self, properties: Given) -> None:
        name = properties["ModelPackageGroupName"]
        client = self.client("sagemaker")
        groups = client.list_model_package_groups()["ModelPackageGroupSummaryList"]
        if name not in {each["ModelPackageGroupName"] for each in groups}:
            client.create_model_package_group(ModelPackageGroupName=name)

    def make_pipeline(self, properties: Given) -> None:
        client, name = self.client("sagemaker"), properties["PipelineName"]
        place = properties["PipelineDefinition"]["PipelineDefinitionS3Location"]
        where = {"Bucket": place["Bucket"], "ObjectKey": place["Key"]}
        there = {each["PipelineName"] for each in client.list_pipelines()["PipelineSummaries"]}
        act = client.update_pipeline if name in there else client.create_pipeline
        token = {} if name in there else {"ClientRequestToken": "0" * 32}
        act(PipelineName=name, PipelineDefinitionS3Location=where, RoleArn=properties["RoleArn"], **token)

    def make_timer(self, properties: Given) -> None:
        client = self.client("scheduler")
        act = client.create_schedule
        if properties["Name"] in {each["Name"] for each in client.list_schedules()["Schedules"]}:
            act = client.update_schedule
        act(**properties)

    def make_alarm(self, properties: Given) -> None:
        whole = {key: float(v) if key == "Threshold" else v for key, v in properties.items()}
        for key in ("Period", "EvaluationPeriods", "DatapointsToAlarm"):
            whole |= {key: int(whole[key])} if key in whole else {}
        for query in whole.get("Metrics", ()):
            if "MetricStat" in query:
                query["MetricStat"]["Period"] = int(query["MetricStat"]["Period"])
        self.client("cloudwatch").put_metric_alarm(**whole)

    def make_composite(self, properties: Given) -> None:
        """Write a composite alarm into moto's records, as moto would if it had the call."""
        backend = get_backend("cloudwatch")[DEFAULT_ACCOUNT_ID][REGION]
        if properties["AlarmName"] in backend.alarms:
            return
        keys = "namespace metric_name comparison_operator evaluation_periods datapoints_to_alarm period"
        keys += " threshold statistic extended_statistic unit treat_missing_data"
        keys += " evaluate_low_sample_count_percentile threshold_metric_id"
        lists = "metric_data_queries dimensions insufficient_data_actions tags"
        empty: Given = {**dict.fromkeys(keys.split()), **{key: [] for key in lists.split()}}
        backend.put_metric_alarm(
            name=properties["AlarmName"],
            rule=properties["AlarmRule"],
            description=properties["AlarmDescription"],
            alarm_actions=properties["AlarmActions"],
            ok_actions=properties["OKActions"],
            actions_enabled=True,
            **empty,
        )

    # ---- SageMaker and ECR

    def list_steps(self, given: Given) -> Given:
        self._execution(given["PipelineExecutionArn"])  # it has to be there
        return {"PipelineExecutionSteps": self.steps}

    def describe_images(self, given: Given) -> None:
        """Put into moto's ECR what Docker has pushed since."""
        notes = self.folder / "docker" / "pushed"
        lines = notes.read_text().splitlines() if notes.exists() else []
        for target in lines[self._pushed :]:
            repository, _, tag = target.partition("/")[2].partition(":")
            kind = "application/vnd.docker.distribution.manifest.v2+json"
            manifest = {
                "schemaVersion": 2,
                "mediaType": kind,
                "config": {"digest": f"sha256:{tag}"},
                "layers": [],
            }
            text = json.dumps(manifest)
            self.client("ecr").put_image(
                repositoryName=repository,
                imageManifest=text,
                imageTag=tag,
                imageDigest="sha256:" + hashlib.sha256(text.encode()).hexdigest(),
            )
        self._pushed = len(lines)


@dataclass(frozen=True)
class _Maker:
    """How a resource that moto's CloudFormation leaves out is made, or brought up to date, and deleted."""

    make: Callable[[Cloud, Given], None]
    delete: Callable[[Cloud, Given], None]


def _delete(service: str, operation: str, parameter: str, name: str) -> Callable[[Cloud, Given], None]:
    def act(cloud: Cloud, properties: Given) -> None:
        value: Any = properties[name]
        getattr(cloud.client(service), operation)(
            **{parameter: [value] if parameter.endswith("s") else value}
        )

    return act


_drop_alarm = _delete("cloudwatch", "delete_alarms", "AlarmNames", "AlarmName")
_MADE: Mapping[str, _Maker] = {
    "AWS::KMS::Alias": _Maker(Cloud.make_alias, _delete("kms", "delete_alias", "AliasName", "AliasName")),
    "AWS::SageMaker::ModelPackageGroup": _Maker(Cloud.make_group, lambda cloud, properties: None),
    "AWS::SageMaker::Pipeline": _Maker(
        Cloud.make_pipeline, _delete("sagemaker", "delete_pipeline", "PipelineName", "PipelineName")
    ),
    "AWS::Scheduler::Schedule": _Maker(
        Cloud.make_timer, _delete("scheduler", "delete_schedule", "Name", "Name")
    ),
    "AWS::CloudWatch::Alarm": _Maker(Cloud.make_alarm, _drop_alarm),
    "AWS::CloudWatch::CompositeAlarm": _Maker(Cloud.make_composite, _drop_alarm),
}

_FAKES: Mapping[str, Callable[[Cloud, Given], Given | None]] = {
    "cloudformation.CreateChangeSet": Cloud.create_change_set,
    "cloudformation.DescribeChangeSet": Cloud.describe_change_set,
    "cloudformation.DeleteChangeSet": Cloud.delete_change_set,
    "cloudformation.ExecuteChangeSet": Cloud.execute_change_set,
    "cloudformation.DescribeStacks": Cloud.describe_stacks,
    "cloudformation.DescribeStackEvents": Cloud.describe_stack_events,
    "cloudformation.DeleteStack": Cloud.delete_stack,
    "sagemaker.ListPipelineExecutionSteps": Cloud.list_steps,
    "ecr.DescribeImages": Cloud.describe_images,
}


def _session() -> boto3.Session:
    """Return a session that shares what all have read: the services' descriptions take a second each time."""
    made = botocore.session.get_session()
    made.register_component("data_loader", _DESCRIPTIONS)
    return boto3.Session(region_name=REGION, botocore_session=made)


_DESCRIPTIONS = create_loader()
_YAML, _TEMPLATES = yaml.load, dict[tuple[str, bool], Any]()


def _read_once(text: str, Loader: Any) -> Any:  # noqa: N803  # PyYAML's name
    """Read a YAML text, or return a copy of what it was the last time: the template takes half a second."""
    key = text, issubclass(Loader, yaml.SafeLoader)  # ours, and moto's, which read the functions differently
    if key not in _TEMPLATES:
        _TEMPLATES[key] = _YAML(text, Loader)
    return copy.deepcopy(_TEMPLATES[key])


@contextmanager
def cloud(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    """Give an empty account: credentials, region, Docker, and no pauses."""
    (folder / "docker").mkdir(parents=True)
    command = folder / "bin" / "docker"
    command.parent.mkdir()
    command.write_text(_DOCKER.replace("{image}", IMAGE))
    command.chmod(0o755)
    for name, value in {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": REGION,
        "DOCKER_NOTES": str(folder / "docker"),
        "PATH": f"{command.parent}{os.pathsep}{os.environ['PATH']}",
        "VALIDATE_LAMBDA_S3": "false",
    }.items():
        monkeypatch.setenv(name, value)
    for name in ("aws.stack.live.POLL_S", "aws.stack.changes.POLL_S", "pipelines.cloud.follow.SOONEST_S"):
        monkeypatch.setattr(name, 0.0)
    monkeypatch.setattr("yaml.load", _read_once)
    with mock_aws():
        session = _session()
        monkeypatch.setattr(boto3, "DEFAULT_SESSION", session)
        made = Cloud(folder, session, _session())
        made.listen()
        yield made


def step(
    name: str, status: str = "Succeeded", *, seconds: float = 60, kind: str = "ProcessingJob", **known: Any
) -> dict[str, Any]:
    """Return a step of an execution as ListPipelineExecutionSteps gives it; `known` is what else it says."""
    begun = datetime(2026, 11, 21, 10, tzinfo=UTC)
    entry: Given = {"StepName": name, "StepStatus": status, "StartTime": begun}
    if status in {"Succeeded", "Failed", "Stopped"}:
        entry["EndTime"] = begun + timedelta(seconds=seconds)
    if kind.endswith("Job"):
        job = _arn("sagemaker", f"{kind.removesuffix('Job').lower()}-job/pipelines-abc-{name}-x")
        entry["Metadata"] = {kind: {"Arn": job}}
    return entry | known


def _arn(service: str, rest: str) -> str:
    return f"arn:aws:{service}:{REGION}:{DEFAULT_ACCOUNT_ID}:{rest}"


def _refused(operation: str, code: str, message: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)


def _curve_key() -> Any:
    """Return the same private key in every cloud."""
    from cryptography.hazmat.primitives.asymmetric import ec

    return ec.derive_private_key(0xB00, ec.SECP256R1())


@contextmanager
def _moto_warns() -> Iterator[None]:
    """Let moto say that it skips the types that are known to be skipped; any other warning is an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for kind in SKIPPED_BY_MOTO:
            warnings.filterwarnings("ignore", message=f"Tried to parse {kind} but", category=UserWarning)
        yield


@contextmanager
def _ignoring() -> Iterator[None]:
    """Go on where moto knows no such attribute; it says so in several ways."""
    try:
        yield
    except Exception:
        return
