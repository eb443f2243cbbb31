"""What this project asks of every job of its own, beyond what the service takes.

A rule looks at one step; a table at the end says which rules there are, in words.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from boomerang.contract import digest_variable
from boomerang.findings import Problem
from pipelines.campaign.entry import EVALUATE, SCREEN, VICTIM
from pipelines.check.arguments import OUTPUTS, at, inside, listed
from pipelines.check.cache_keys import key_attributes
from pipelines.check.problems import below, entries, hint
from pipelines.check.view import Pipeline, expressions, is_expression, say
from pipelines.definition.machines import has_own_disk
from pipelines.language.expressions import gets
from pipelines.language.for_each import child_of
from pipelines.language.graph import JOBS, KINDS, Node
from pipelines.language.job_plan import command_of, module_of

# Faults of the service, its throttling, and machines that are not to be had. A job whose own code
# fails would fail again: there is nothing to retry ("Retry Policy for Pipeline Steps").
RETRIED = (
    *("Step.SERVICE_FAULT", "Step.THROTTLING"),
    *("SageMaker.JOB_INTERNAL_ERROR", "SageMaker.CAPACITY_ERROR", "SageMaker.RESOURCE_LIMIT"),
)
_BY_DIGEST = re.compile(r"([^@\s]+@)?sha256:[0-9a-f]{64}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_DURATION = re.compile(r"P(?=\d|T\d)(\d+Y)?(\d+M)?(\d+W)?(\d+D)?(T(?=\d)(\d+H)?(\d+M)?(\d+S)?)?")
# A time as ISO 8601 or `str(datetime)` has it, or whole seconds or milliseconds since 1970, of 2017 to 2033.
_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d|^1[5-9]\d{8}(\.\d+|\d{3})?$")

# The output that tells what was poisoned and how, and the steps that may know.
SECRET = "secret"
MAY_KNOW = (EVALUATE, f"{EVALUATE}Parts")
# The one training that may: the victim's, where the attacker runs it and the definition says so.
TAKEN_OVER, TAKEOVER = VICTIM, "processing.takeover"
# The one screen that may: a control in its place, which the definition names as one.
CONTROLLED, CONTROL = SCREEN, "processing.control"

# The modules of the two kinds of job that call AWS.
SIGNING, CANARY = "aws.jobs.sign", "aws.jobs.canary_job"


def retries(_: Pipeline, node: Node) -> Iterator[Problem]:
    """Only what another try can mend is tried again, and not for ever."""
    for index, policy in enumerate(node.step.get("RetryPolicies", [])):
        field = f"RetryPolicies[{index}]"
        for kind in policy["ExceptionType"]:
            if kind not in RETRIED:
                what = f"{kind} is no fault of the service and no lack of machines{hint(kind, RETRIED)}"
                yield Problem(node.name, f"{field}.ExceptionType", what)
        if "MaxAttempts" not in policy and "ExpireAfterMin" not in policy:
            yield Problem(node.name, f"{field}.MaxAttempts", "is missing, and so is ExpireAfterMin")


def cached(_: Pipeline, node: Node) -> Iterator[Problem]:
    """Every job may be taken from an earlier run, for a time; a canary is asked anew."""
    if _module(node) == CANARY:
        if (node.step.get("CacheConfig") or {}).get("Enabled"):
            yield Problem(node.name, "CacheConfig.Enabled", "is true: the canary would not be run again")
        return
    cache = node.step.get("CacheConfig") or {}
    if not cache.get("Enabled"):
        yield Problem(node.name, "CacheConfig.Enabled", "is not true")
    after = cache.get("ExpireAfter")
    if after is None or not _DURATION.fullmatch(after):
        yield Problem(
            node.name, "CacheConfig.ExpireAfter", f"{after!r} is no ISO 8601 duration such as 'P30D'"
        )


def encrypted(pipeline: Pipeline, node: Node) -> Iterator[Problem]:
    """Outputs and disks are under a key of ours; a disk that is built in is encrypted as it is."""
    outputs = "OutputDataConfig" if node.kind == "Training" else "ProcessingOutputConfig"
    if not at(node, f"{outputs}.KmsKeyId"):
        yield Problem(node.name, f"{outputs}.KmsKeyId", "is missing: outputs would be under AWS's own key")
    cluster = _cluster(node)
    keyed = bool(at(node, f"{cluster}.VolumeKmsKeyId"))
    machine = at(node, f"{cluster}.InstanceType")
    if machine is None:
        yield Problem(node.name, f"{cluster}.InstanceType", "is missing")
        return
    for choice in pipeline.values(machine) if is_expression(machine) else [machine]:
        # ResourceConfig.VolumeKmsKeyId, API reference: none can be requested for a type with local storage.
        if has_own_disk(str(choice)) == keyed:
            what = f"is given, and {choice} takes none" if keyed else f"is missing for {choice}"
            yield Problem(node.name, f"{cluster}.VolumeKmsKeyId", what)


def isolated(_: Pipeline, node: Node) -> Iterator[Problem]:
    """No job has a network but those that have to call AWS; machines of one job talk encrypted."""
    inside = "" if node.kind == "Training" else "NetworkConfig"
    if (
        _module(node) not in (SIGNING, CANARY)
        and at(node, below(inside, "EnableNetworkIsolation")) is not True
    ):
        yield Problem(node.name, below(inside, "EnableNetworkIsolation"), "is not true")
    several = at(node, f"{_cluster(node)}.InstanceCount") not in (1, None)
    traffic = below(inside, "EnableInterContainerTrafficEncryption")
    if several and at(node, traffic) is not True:
        yield Problem(node.name, traffic, "is not true, and the job has several machines")


def timed(_: Pipeline, node: Node) -> Iterator[Problem]:
    """Every job ends."""
    if at(node, "StoppingCondition.MaxRuntimeInSeconds") is None:
        yield Problem(node.name, "StoppingCondition.MaxRuntimeInSeconds", "is missing")


def pinned(pipeline: Pipeline, node: Node) -> Iterator[Problem]:
    """An image is named by its digest: a tag can be moved to other code."""
    for field, image in _images(node):
        for name in pipeline.values(image) if is_expression(image) else [image]:
            if not isinstance(name, str) or not _BY_DIGEST.fullmatch(name):
                yield Problem(node.name, field, f"{name!r} names no digest (`NAME@sha256:...`)")


def _images(node: Node) -> Iterator[tuple[str, Any]]:
    if node.kind == "Processing":
        yield "AppSpecification.ImageUri", at(node, "AppSpecification.ImageUri")
    if node.kind == "Training":
        yield "AlgorithmSpecification.TrainingImage", at(node, "AlgorithmSpecification.TrainingImage")
    if node.kind == "RegisterModel":
        field = "InferenceSpecification.Containers"
        for index, container in enumerate(listed(at(node, field))):
            yield f"{field}[{index}].Image", container.get("Image")


def spot(_: Pipeline, node: Node) -> Iterator[Problem]:
    """A machine that may be taken back leaves a checkpoint, is waited for, and is not kept warm."""
    if node.kind != "Training" or not at(node, "EnableManagedSpotTraining"):
        return
    if not at(node, "CheckpointConfig.S3Uri"):
        yield Problem(node.name, "CheckpointConfig.S3Uri", "is missing: a stopped job would start anew")
    if at(node, "StoppingCondition.MaxWaitTimeInSeconds") is None:
        yield Problem(node.name, "StoppingCondition.MaxWaitTimeInSeconds", "is missing on a spot machine")
    if at(node, "ResourceConfig.KeepAlivePeriodInSeconds"):
        yield Problem(node.name, "ResourceConfig.KeepAlivePeriodInSeconds", "no spot machine is kept warm")


def reusable(_: Pipeline, node: Node) -> Iterator[Problem]:
    """Nothing that step caching goes by is another in every run."""
    for field, expression in expressions(key_attributes(node)):
        for name in gets(expression):
            if name.startswith("Execution."):
                what = f"{name} is another in every run, so the step would never be reused"
                yield Problem(node.name, field, what)


def timeless(pipeline: Pipeline, node: Node) -> Iterator[Problem]:
    """Nothing that a job is told is a time: it would be another in every definition, and nothing reused."""
    for name in ("HyperParameters", "Environment", *_ARGUMENTS):
        value = at(node, name) or {}
        pairs = value.items() if isinstance(value, Mapping) else ((f"[{k}]", v) for k, v in enumerate(value))
        for key, each in pairs:
            texts = pipeline.values(each) if is_expression(each) else [each]
            if key != "seed" and any(_TIME.search(str(text)) for text in texts):
                place = f"{name}{key}" if key.startswith("[") else below(name, key)
                yield Problem(node.name, place, f"{str(texts[0])[:40]!r} is a time, and another every day")


_ARGUMENTS = ("AppSpecification.ContainerArguments", "AlgorithmSpecification.ContainerArguments")


def secret(pipeline: Pipeline, node: Node) -> Iterator[Problem]:
    """What was poisoned reaches Evaluate alone, under its own name or a folder's above it.

    But for the victim's training where the attacker runs it, and a control in the place of the screen;
    nothing else may run as those.
    """
    if _called(node) in MAY_KNOW:
        return
    taken_over = any(_module(other) == TAKEOVER for other in pipeline.nodes)
    if _module(node) == SIGNING and taken_over:
        return  # it signs what the attacker's training then verifies
    for module, place in ((TAKEOVER, TAKEN_OVER), (CONTROL, CONTROLLED)):
        if _module(node) == module:
            if _called(node) != place:
                yield Problem(node.name, "", f"runs {module}, which {place} alone may")
            return
    for field, expression in expressions(node.arguments):
        if any(f"['{SECRET}']" in path.replace('"', "'") for path in gets(expression)):
            yield Problem(node.name, field, f"{say(expression)} is for {EVALUATE} alone")
    written = [address for other in pipeline.nodes for address in _written(other)]
    for field, _, address in _inputs(node):
        if isinstance(address, Mapping) and "Std:Join" in address:
            yield Problem(node.name, field, "is put together; name a step's output, or what was staged")
        elif isinstance(address, str) and any(root.startswith(address.rstrip("/")) for root in written):
            yield Problem(node.name, field, f"{address} is a folder above what steps write")


def held(_: Pipeline, node: Node) -> Iterator[Problem]:
    """A job is told the digest of each input that no step makes: whoever may write there changes nothing."""
    for field, name, address in _inputs(node):
        if not isinstance(address, str):
            continue
        digest = address.rstrip("/").rpartition("/")[2]
        if not _DIGEST.fullmatch(digest):
            yield Problem(node.name, field, f"{address} names no digest of what lies there")
        elif (at(node, "Environment") or {}).get(variable := digest_variable(str(name))) != digest:
            yield Problem(node.name, f"Environment.{variable}", f"is not the digest that {field} names")


def _written(node: Node) -> Iterator[str]:
    """Yield how the addresses begin that a processing step writes to."""
    for made in listed(at(node, OUTPUTS)):
        parts = inside(made, "S3Output.S3Uri.Std:Join.Values")
        if isinstance(parts, list) and parts:
            yield str(parts[0])


def _called(node: Node) -> str:
    """Return what a step is by its name; the bodies of a campaign are numbered, and so are their runs."""
    return child_of(node.body) if node.body else node.name


def _module(node: Node) -> str | None:
    try:
        return module_of(command_of(node.kind, node.arguments))
    except (AttributeError, KeyError, TypeError):  # malformed, which the shapes say
        return None


def _inputs(node: Node) -> Iterator[tuple[str, Any, Any]]:
    """Yield the field, the name and the address of each input."""
    for key, name, uri in (
        ("ProcessingInputs", "InputName", "S3Input.S3Uri"),
        ("InputDataConfig", "ChannelName", "DataSource.S3DataSource.S3Uri"),
    ):
        for place, entry in entries(listed(at(node, key)), key):
            if inside(entry, uri):
                yield f"{place}.{uri}", inside(entry, name), inside(entry, uri)


def _cluster(node: Node) -> str:
    return "ResourceConfig" if node.kind == "Training" else "ProcessingResources.ClusterConfig"


@dataclass(frozen=True)
class Rule:
    """A rule, what it says, and the kinds of step that it is for."""

    said: str
    check: Callable[[Pipeline, Node], Iterator[Problem]]
    kinds: frozenset[str] = JOBS


RULES = (
    Rule(
        "only service faults, throttling and capacity are retried", retries, JOBS | {"RegisterModel", "Model"}
    ),
    Rule("reuse of earlier runs is on, and expires", cached),
    Rule("outputs and disks are under a KMS key", encrypted),
    Rule("no network, but for signing and for the canary", isolated),
    Rule("a maximum run time", timed),
    Rule("images pinned by digest", pinned, JOBS | {"RegisterModel"}),
    Rule("checkpoints and waiting time on spot machines", spot, frozenset({"Training"})),
    Rule("nothing of a run in what reuse goes by", reusable),
    Rule("no time in what a job is told", timeless),
    Rule("what a person staged is held against its digest", held),
    Rule(
        "the truth goes to Evaluate alone, to a victim that the attacker trains, and to a control",
        secret,
        KINDS,
    ),
)
