"""A `ForEach` step read as the steps that it becomes."""

from __future__ import annotations

from typing import Any

import pytest
from helpers import toy_pipeline as toy

from boomerang.errors import ConfigError
from pipelines.language.for_each import child_of
from pipelines.language.graph import Node, ordered


def nodes(*steps: dict[str, Any]) -> dict[str, Node]:
    return {node.name: node for node in ordered(toy.definition(*steps))}


def test_a_body_becomes_its_steps_once_for_each_item() -> None:
    found = nodes(toy.words("one", "two"), toy.learners(0, 1))
    assert list(found) == ["Make-0", "Make-1", "Train-0", "Measure-0", "Train-1", "Measure-1"]
    assert [node.body for node in found.values()] == ["Make", "Make", "Train", "Measure", "Train", "Measure"]
    assert {node.kind for node in found.values()} == {"Processing", "Training"}


def test_a_run_waits_for_what_its_own_item_names_and_for_the_run_beside_it() -> None:
    found = nodes(toy.words("one", "two"), toy.learners(1, 0))
    assert found["Train-0"].waits_for == {"Make-1"} and found["Train-1"].waits_for == {"Make-0"}
    assert found["Measure-1"].waits_for == {"Train-1"}


def test_what_an_item_says_stands_where_the_body_reads_it() -> None:
    made = nodes(toy.words("one", "two"))["Make-1"].arguments
    assert made["AppSpecification"]["ContainerArguments"] == ["two"]
    address = made["ProcessingOutputConfig"]["Outputs"][0]["S3Output"]["S3Uri"]
    assert address["Std:Join"]["Values"][-3:] == ["1", "Make", "train"]


def test_what_an_earlier_item_left_stands_in_an_item_as_an_expression() -> None:
    train = nodes(toy.words("one", "two"), toy.learners(1))["Train-0"]
    (channel,) = train.arguments["InputDataConfig"]
    assert channel["DataSource"]["S3DataSource"]["S3Uri"] == toy.output_of("Make-1", "train")


def test_a_text_around_an_expression_of_an_item_is_joined() -> None:
    item = toy.join('{"name": "a/', toy.get("Parameters.Word"), '/b", "word": "x"}', on="")
    made = nodes(toy.for_each("Words", [item], toy.word()))["Make-0"].arguments
    address = made["ProcessingOutputConfig"]["Outputs"][0]["S3Output"]["S3Uri"]
    assert address["Std:Join"]["Values"][2] == toy.join("a/", toy.get("Parameters.Word"), "/b", on="")


def test_an_item_may_be_one_value() -> None:
    body = toy.make(arguments=[toy.get("ForEach.CurrentItem")])
    found = nodes(toy.for_each("Words", ["one", toy.get("Parameters.Word")], body))
    said = [node.arguments["AppSpecification"]["ContainerArguments"] for node in found.values()]
    assert said == [["one"], [toy.get("Parameters.Word")]]


def test_who_waits_for_the_step_waits_for_every_run() -> None:
    last = {**toy.make(), "Name": "Last", "DependsOn": ["Words"]}
    found = nodes(last, toy.words("one", "two"))
    assert list(found) == ["Make-0", "Make-1", "Last"]
    assert found["Last"].waits_for == {"Make-0", "Make-1"}


def test_what_the_step_waits_for_every_run_waits_for() -> None:
    loop = {**toy.words("one", "two"), "DependsOn": ["First"]}
    found = nodes(loop, {**toy.make(), "Name": "First"})
    assert list(found) == ["First", "Make-0", "Make-1"]


@pytest.mark.parametrize(
    ("items", "why"),
    [
        (toy.get("Parameters.Words"), "known at run time only"),
        (['{"name": "a"'], "item 0: it is not JSON"),
        (['{"name": "a"}'], "item 0 has no field 'word': it has name"),
        (["one"], "item 0 has no field .*: it has no fields"),
        ([{"name": "a"}], "is no single value"),
    ],
)
def test_items_that_cannot_be_read_are_refused_before_the_first_step(items: Any, why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        ordered(toy.definition(toy.for_each("Words", items, toy.word())))


def test_a_run_that_there_is_not_is_no_step() -> None:
    with pytest.raises(ConfigError, match="refers to step 'Make-2'"):
        nodes(toy.words("one", "two"), toy.learners(2))


def test_a_definition_without_one_is_read_as_it_is() -> None:
    definition = toy.definition()
    found = {node.name: node.step for node in ordered(definition)}
    assert all(found[step["Name"]] is step for step in definition["Steps"])


def test_a_body_step_is_known_by_its_name_without_the_number() -> None:
    assert [child_of(name) for name in ("Evaluate", "Evaluate2", "EvaluateParts12")] == [
        *("Evaluate", "Evaluate", "EvaluateParts")
    ]
