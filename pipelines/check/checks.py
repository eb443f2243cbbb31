"""All checks in their order, and what is said of each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from boomerang.findings import Outcome, Problem
from pipelines.check import lineage_step as lineage
from pipelines.check.cross_references import check_conditions, check_references
from pipelines.check.language import check_language, check_order
from pipelines.check.limits import check_limits
from pipelines.check.loops import check_loops, loops
from pipelines.check.pipeline_parameters import check_parameters
from pipelines.check.registrations import check_failures, check_gate
from pipelines.check.requests import OPERATIONS, check_requests
from pipelines.check.rules import RULES, Rule
from pipelines.check.service import version
from pipelines.check.view import Pipeline, expressions


def check_definition(definition: Any) -> list[Problem]:
    """Return everything that is wrong with a pipeline definition; an empty list if nothing.

    Parameters
    ----------
    definition : object
        Parsed JSON.
    """
    return [problem for outcome in checks(definition) for problem in outcome.problems]


def checks(definition: Any) -> list[Outcome]:
    """Run every check, and return what each looked at and found.

    If the definition cannot even be read, only the first is run.
    """
    problems = tuple(check_language(definition))
    if any(problem.blocking for problem in problems):
        return [Outcome("the definition can be read", problems)]
    pipeline = Pipeline(definition)
    language = Outcome(_say_language(pipeline), (*problems, *check_order(pipeline)))
    repeated = [_outcome(_say_loops, check_loops, pipeline)] if loops(pipeline) else []
    rules = [_rule(rule, pipeline) for rule in RULES]
    return [language, *repeated, *(_outcome(say, check, pipeline) for say, check in _CHECKS), *rules]


def _outcome(
    say: Callable[[Pipeline], str], check: Callable[[Pipeline], Iterable[Problem]], pipeline: Pipeline
) -> Outcome:
    return Outcome(say(pipeline), tuple(check(pipeline)))


def _rule(rule: Rule, pipeline: Pipeline) -> Outcome:
    nodes = [node for node in pipeline.nodes if node.kind in rule.kinds]
    problems = tuple(problem for node in nodes for problem in rule.check(pipeline, node))
    return Outcome(f"rule: {rule.said} ({len(nodes)} steps)", problems)


def _say_language(pipeline: Pipeline) -> str:
    return f"language: {len(pipeline.nodes)} steps, every key is known, none waits for itself"


def _say_references(pipeline: Pipeline) -> str:
    count = sum(1 for node in pipeline.nodes for _ in expressions(node.arguments))
    return f"references: {count} expressions, each names something that is there"


def _say_conditions(pipeline: Pipeline) -> str:
    count = sum(len(node.arguments["Conditions"]) for node in pipeline.nodes if node.kind == "Condition")
    return f"conditions: {count}, each compares numbers with numbers"


def _say_loops(pipeline: Pipeline) -> str:
    found = loops(pipeline)
    count = sum(len(loop["Arguments"]["IterableItems"]) for loop in found)
    return f"for each: {len(found)} steps over {count} items, each has what the bodies read"


def _say_parameters(pipeline: Pipeline) -> str:
    limited = sum(1 for declared in pipeline.parameters.values() if "EnumValues" in declared)
    return f"parameters: {len(pipeline.parameters)}, {limited} of them with allowed values"


def _say_gate(pipeline: Pipeline) -> str:
    registered = sum(1 for node in pipeline.nodes if node.kind == "RegisterModel")
    return f"gate: {registered} registrations, each on the side of the verdict that it is for"


def _say_failures(pipeline: Pipeline) -> str:
    failures = sum(1 for node in pipeline.nodes if node.kind == "Fail")
    return f"failures: {failures}, each says why in a text"


def _say_requests(pipeline: Pipeline) -> str:
    kinds = {*OPERATIONS, lineage.KIND}
    requests = [node.arguments for node in pipeline.nodes if node.kind in kinds]
    fields = sum(1 for arguments in requests for _ in _leaves(arguments))
    return f"requests: {len(requests)} steps, {fields} fields against the shapes of {version()}"


def _say_limits(pipeline: Pipeline) -> str:
    return f"limits: {len(pipeline.nodes)} steps against what the service documents"


def _leaves(value: Any) -> Iterator[Any]:
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else None
    if inner is None:
        yield value
    else:
        for each in inner:
            yield from _leaves(each)


_CHECKS: tuple[tuple[Callable[[Pipeline], str], Callable[[Pipeline], Iterable[Problem]]], ...] = (
    (_say_references, check_references),
    (_say_conditions, check_conditions),
    (_say_parameters, check_parameters),
    (_say_gate, check_gate),
    (_say_failures, check_failures),
    (_say_requests, check_requests),
    (_say_limits, check_limits),
)
