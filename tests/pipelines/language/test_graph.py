"""The steps of a definition in the order in which they run, and what is refused before the first."""

from __future__ import annotations

from typing import Any

import pytest
from helpers import toy_pipeline as toy

from boomerang.errors import ConfigError
from pipelines.language.graph import ordered


def test_the_steps_of_branches_hang_on_their_condition() -> None:
    nodes = {node.name: node for node in ordered(toy.definition())}
    assert list(nodes) == ["Make", "Train", "Measure", "Gate", "Register", "RegisterRejected", "Fail"]
    assert (nodes["Register"].branch, nodes["Fail"].branch) == (("Gate", True), ("Gate", False))
    assert nodes["Fail"].waits_for == {"Gate", "Measure", "RegisterRejected"}
    assert [name for name, node in nodes.items() if node.cacheable] == ["Make", "Train", "Measure"]
    assert not {"IfSteps", "ElseSteps"} & nodes["Gate"].arguments.keys()


def test_a_step_comes_after_what_it_refers_to_and_else_where_the_definition_has_it() -> None:
    last = {**toy.make(), "Name": "Other", "DependsOn": ["Train"]}
    free = {**toy.make(), "Name": "Free"}
    nodes = ordered(toy.definition(toy.train(), last, toy.make(), free))
    assert [node.name for node in nodes] == ["Make", "Train", "Other", "Free"]


@pytest.mark.parametrize(
    ("step", "why"),
    [
        ({**toy.make(), "Name": "a/b"}, "two steps have that name, or it is none"),
        ({"Name": "Tune", "Type": "Tuning", "Arguments": {}}, "does not run steps of type Tuning"),
        ({**toy.gate(), "Arguments": {"Conditions": [{"Type": "LessThen"}]}}, "did you mean 'LessThan'"),
        (toy.make(arguments=[toy.output_of("Mke", "train")]), "refers to step 'Mke'"),
    ],
)
def test_a_step_that_cannot_be_run_is_refused(step: dict[str, Any], why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        ordered(toy.definition(step))
