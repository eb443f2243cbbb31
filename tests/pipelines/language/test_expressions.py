"""The definition language: paths, functions, parameters, conditions, references."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boomerang.errors import ConfigError, StepFailed
from pipelines.language.expressions import (
    Scope,
    check_condition,
    holds,
    parameter_values,
    path_parts,
    references,
    resolve,
    say,
)

METRICS = {
    "gate": {"drop": 0.01, "turned": [0.5]},
    "unmeasured": 1e9,
    "reasons": "worse",
    "ok": True,
    "a b": {"c": 7},
}


@pytest.fixture
def scope() -> Scope:
    uri = {"S3Output": {"S3Uri": "s3://bucket/train"}}
    return Scope(
        parameters={"Limit": 0.02, "Count": 3, "Word": "one", "Flag": True},
        execution={"PipelineExecutionId": "run-1"},
        properties={
            "Make": {"ProcessingOutputConfig": {"Outputs": {"train": uri}}, "List": ["a", "b"]},
            "Train": {"ModelArtifacts": {"S3ModelArtifacts": "s3://bucket/model.tar.gz"}},
        },
        property_file=lambda step, file: {("Evaluate", "metrics"): METRICS}[step, file],
    )


def json_get(path: str) -> dict[str, Any]:
    return {"Std:JsonGet": {"PropertyFile": {"Get": "Steps.Evaluate.PropertyFiles.metrics"}, "Path": path}}


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ({"Get": "Parameters.Count"}, 3),
        ({"Get": "Execution.PipelineExecutionId"}, "run-1"),
        ({"Get": "Steps.Train.ModelArtifacts.S3ModelArtifacts"}, "s3://bucket/model.tar.gz"),
        ({"Get": "Steps.Make.ProcessingOutputConfig.Outputs['train'].S3Output.S3Uri"}, "s3://bucket/train"),
        ({"Get": 'Steps.Make.ProcessingOutputConfig.Outputs["train"].S3Output.S3Uri'}, "s3://bucket/train"),
        ({"Get": "Steps.Make.List[1]"}, "b"),
        ({"Std:Join": {"On": "/", "Values": ["s3:/", {"Get": "Parameters.Word"}, 3]}}, "s3://one/3"),
        ({"Std:Join": {"On": "", "Values": [{"Get": "Parameters.Flag"}]}}, "true"),
        (
            {"Std:Join": {"On": "-", "Values": [{"Std:Join": {"On": "", "Values": ["a", "b"]}}, 0.02]}},
            "ab-0.02",
        ),
        (json_get("gate.drop"), 0.01),
        (json_get("$.gate.turned[0]"), 0.5),
        (json_get("['a b'].c"), 7),
        (json_get("ok"), True),
        (
            {"plain": [1, "x", None, {"deep": {"Get": "Parameters.Limit"}}]},
            {"plain": [1, "x", None, {"deep": 0.02}]},
        ),
    ],
)
def test_expressions_are_replaced_by_their_values(scope: Scope, expression: Any, value: Any) -> None:
    assert resolve(expression, scope) == value


@pytest.mark.parametrize(
    ("expression", "error", "why"),
    [
        ({"Get": "Parameters.Cuont"}, ConfigError, "did you mean 'Count'"),
        ({"Get": "Secrets.Key"}, ConfigError, "a Get reads"),
        ({"Get": "Parameters"}, ConfigError, "a Get reads"),
        ({"Get": "Steps"}, ConfigError, "a Get reads"),
        ({"Get": "Steps.Make.List['"}, ConfigError, "it is no path from"),
        ({"Get": "Steps.Later.X"}, StepFailed, "step Later has not run"),
        ({"Get": "Steps.Make.List[2]"}, StepFailed, "nothing at '2'"),
        ({"Get": "Steps.Make.Nothing"}, StepFailed, "it holds: ProcessingOutputConfig, List"),
        ({"Std:Pow": [2, 3]}, ConfigError, "does not know that function"),
        ({"Std:JsonGet": {"S3Uri": "s3://x", "Path": "a"}}, ConfigError, "no property file"),
        (json_get("gate.missing"), StepFailed, "it holds: drop, turned"),
        (json_get("gate.drop.deeper"), StepFailed, "nothing at 'deeper'"),
        (json_get("gate"), StepFailed, "no single value"),
    ],
)
def test_what_cannot_be_resolved_says_why(
    scope: Scope, expression: Any, error: type[Exception], why: str
) -> None:
    with pytest.raises(error, match=why):
        resolve(expression, scope)


@given(st.lists(st.one_of(st.from_regex(r"[A-Za-z0-9_-]+", fullmatch=True), st.integers(0, 99)), min_size=1))
def test_a_path_is_split_into_what_it_was_made_of(parts: list[str | int]) -> None:
    quoted = "".join(f"[{part}]" if isinstance(part, int) else f"['{part}']" for part in parts)
    assert path_parts(quoted) == parts


def compare(kind: str, left: Any, right: Any) -> dict[str, Any]:
    return {"Type": kind, "LeftValue": left, "RightValue": right}


@given(st.floats(allow_nan=False, allow_infinity=False), st.integers(-(2**53), 2**53))
def test_comparisons_are_those_of_numbers(left: float, right: int) -> None:
    scope = Scope({}, {})
    expected = {
        "LessThan": left < right,
        "LessThanOrEqualTo": left <= right,
        "GreaterThan": left > right,
        "GreaterThanOrEqualTo": left >= right,
        "Equals": left == right,
    }
    assert {kind: holds(compare(kind, left, right), scope) for kind in expected} == expected


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (compare("LessThanOrEqualTo", json_get("gate.drop"), {"Get": "Parameters.Limit"}), True),
        (compare("Equals", {"Get": "Parameters.Word"}, "one"), True),
        (compare("Equals", {"Get": "Parameters.Flag"}, False), False),
        ({"Type": "In", "QueryValue": {"Get": "Parameters.Word"}, "Values": ["two", "one"]}, True),
        ({"Type": "In", "QueryValue": 4, "Values": [1, 2]}, False),
        ({"Type": "Not", "Condition": compare("Equals", 1, 2)}, True),
        ({"Type": "Or", "Conditions": [compare("Equals", 1, 2), compare("Equals", 2, 2)]}, True),
        ({"Type": "And", "Conditions": [compare("Equals", 1, 2), compare("Equals", 2, 2)]}, False),
    ],
)
def test_conditions(scope: Scope, condition: Any, expected: bool) -> None:
    check_condition(condition)
    assert holds(condition, scope) is expected


@pytest.mark.parametrize("bad", [math.nan, math.inf, "0.01", None, True])
@pytest.mark.parametrize(
    "kind", ["LessThan", "LessThanOrEqualTo", "GreaterThan", "GreaterThanOrEqualTo", "Equals"]
)
def test_what_is_no_finite_number_compares_with_none(scope: Scope, kind: str, bad: Any) -> None:
    for left, right in ((bad, 1.0), (1.0, bad)):
        with pytest.raises(StepFailed, match=f"condition {kind}"):
            holds(compare(kind, left, right), scope)


def test_an_unreadable_part_is_not_hidden_by_one_that_decides(scope: Scope) -> None:
    missing = compare("LessThan", json_get("gate.missing"), 1)
    for kind in ("Or", "And"):
        with pytest.raises(StepFailed, match="missing"):
            holds({"Type": kind, "Conditions": [compare("Equals", 1, int(kind == "Or")), missing]}, scope)
    with pytest.raises(StepFailed, match="missing"):
        holds({"Type": "Not", "Condition": missing}, scope)


def test_an_unknown_condition_is_refused_at_any_depth() -> None:
    deep = {"Type": "Or", "Conditions": [{"Type": "Not", "Condition": compare("LessThen", 1, 2)}]}
    with pytest.raises(ConfigError, match="did you mean 'LessThan'"):
        check_condition(deep)


DECLARED: list[dict[str, Any]] = [
    {"Name": "Limit", "Type": "Float", "DefaultValue": 0.02},
    {"Name": "Count", "Type": "Integer", "DefaultValue": 0},
    {"Name": "Mode", "Type": "String", "DefaultValue": "a", "EnumValues": ["a", "b"]},
    {"Name": "Flag", "Type": "Boolean", "DefaultValue": False},
]


def test_parameters_have_their_defaults_and_their_types() -> None:
    assert parameter_values(DECLARED, {}) == {"Limit": 0.02, "Count": 0, "Mode": "a", "Flag": False}
    given = parameter_values(DECLARED, {"Limit": "1", "Count": "3", "Mode": "b", "Flag": "true"})
    assert given == {"Limit": 1.0, "Count": 3, "Mode": "b", "Flag": True}
    assert isinstance(given["Limit"], float)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"Limits": 1}, "did you mean 'Limit'"),
        ({"Limit": "many"}, "'many' is no float"),
        ({"Limit": math.nan}, "is no float"),
        ({"Limit": "inf"}, "is no float"),
        ({"Limit": True}, "is no float"),
        ({"Count": 1.5}, "is no integer"),
        ({"Count": True}, "is no integer"),
        ({"Count": math.inf}, "is no integer"),
        ({"Mode": "c"}, "must be one of a, b"),
        ({"Mode": 3}, "is no string"),
        ({"Flag": "maybe"}, "is no boolean"),
        ({"Flag": []}, "is no boolean"),
    ],
)
def test_a_wrong_parameter_is_refused(given: dict[str, Any], why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        parameter_values(DECLARED, given)


def test_a_parameter_without_a_default_has_to_be_given() -> None:
    declared = [{"Name": "Bucket", "Type": "String"}]
    with pytest.raises(ConfigError, match="'Bucket' is missing"):
        parameter_values(declared, {})
    assert parameter_values(declared, {"Bucket": "b"}) == {"Bucket": "b"}


def test_references_are_found_wherever_they_stand() -> None:
    value = [
        {"a": {"Std:Join": {"On": "/", "Values": [{"Get": "Steps.Make.X"}, json_get("p")]}}},
        {"Get": "Parameters.P"},
    ]
    found = references(value)

    assert found.steps == {"Make", "Evaluate"}
    assert found.parameters == {"P"}
    assert found.property_files == {("Evaluate", "metrics")}


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("gate.drop", "gate.drop is 0.01, not ≤ 0.005"),
        ("unmeasured", "unmeasured was not measured and has to be ≤ 0.005"),
    ],
)
def test_why_a_condition_does_not_hold_is_said_in_words(scope: Scope, path: str, said: str) -> None:
    condition = {"Type": "LessThanOrEqualTo", "LeftValue": json_get(path), "RightValue": 0.005}
    assert say(condition, scope) == said
