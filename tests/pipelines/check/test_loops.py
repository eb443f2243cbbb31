"""What `check` finds in a campaign's definition: nothing, and each of many planted mistakes."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from typing import Any

import pytest
from helpers.campaign_cells import body, cells, loop

from pipelines.check import check_definition, checks
from pipelines.definition.build import build_campaign

Definition = dict[str, Any]


@pytest.fixture(scope="module")
def sound() -> Definition:
    return build_campaign("trial", cells()).definition


def test_a_campaign_has_no_mistake_and_each_run_of_a_body_is_looked_at(sound: Definition) -> None:
    outcomes = checks(sound)
    assert [outcome.problems for outcome in outcomes] == [()] * len(outcomes)
    said = [outcome.said for outcome in outcomes]
    assert said[0].startswith("language: 14 steps")
    assert said[1] == "for each: 5 steps over 9 items, each has what the bodies read"


def change(definition: Definition, name: str, index: int, edit: Callable[[str], str]) -> None:
    """Change the text of an item, at its beginning where it is joined."""
    items = loop(definition, name)["IterableItems"]
    if isinstance(items[index], str):
        items[index] = edit(items[index])
    else:
        values = items[index]["Std:Join"]["Values"]
        values[0] = edit(values[0])


def poison(definition: Definition) -> dict[str, Any]:
    arguments: dict[str, Any] = body(definition, "Poison")["Arguments"]
    return arguments


def retarget(definition: Definition, before: str, after: str) -> None:
    """Let the first attack read another output of another world."""
    values = loop(definition, "Attacks")["IterableItems"][0]["Std:Join"]["Values"]
    values[1]["Get"] = values[1]["Get"].replace(before, after)


def swap_digest(text: str) -> str:
    """Let an item name another address than the digest that it tells."""
    return re.sub("/inputs/[0-9a-f]{64}", "/inputs/" + "0" * 64, text)


SECRET = "Steps.Attacks.IterationOutputs[0].Poison.ProcessingOutputConfig.Outputs['secret'].S3Output.S3Uri"


def evaluate_again(definition: Definition) -> None:
    """Add a step beside the bodies that reads the secret, under a name that only a body may have."""
    step = copy.deepcopy(body(definition, "Poison")) | {"Name": "Evaluate7"}
    step["Arguments"]["Environment"] = {}
    entry = step["Arguments"]["ProcessingInputs"][1]
    entry["InputName"], entry["S3Input"]["S3Uri"] = "secret", {"Get": SECRET}
    step["Arguments"]["ProcessingInputs"] = [entry]
    definition["Steps"].append(step)


def give_the_secret(definition: Definition, name: str, field: str) -> None:
    """Let an item of a step say where the secret lies in the place of another thing."""
    values = loop(definition, name)["IterableItems"][0]["Std:Join"]["Values"]
    place = next(index for index, value in enumerate(values) if isinstance(value, str) and field in value)
    values[place + 1] = {"Get": SECRET}


def join(definition: Definition) -> None:
    """Let an item put the address of an input together."""
    values = loop(definition, "Screens")["IterableItems"][0]["Std:Join"]["Values"]
    values[2] = "/part" + values[2]


def condition(name: str) -> dict[str, Any]:
    compared = {"Type": "Equals", "LeftValue": 1, "RightValue": 1}
    return {"Name": name, "Type": "Condition", "Arguments": {"Conditions": [compared]}}


# What is done to the definition; the step, the field and the words by which it is named.
PLANTED: dict[str, tuple[Callable[[Definition], Any], str, str, str]] = {
    "no items": (
        lambda d: loop(d, "Cells").update(IterableItems=[]),
        *("Cells", "IterableItems", "at least 1 item"),
    ),
    "too many items": (
        lambda d: loop(d, "Cells").update(IterableItems=loop(d, "Cells")["IterableItems"] * 51),
        *("Cells", "IterableItems", "at most 100 items"),
    ),
    "items known at run time": (
        lambda d: loop(d, "Cells").update(IterableItems={"Get": "Parameters.Items"}),
        *("Cells", "IterableItems", "valid list"),
    ),
    "no concurrency": (
        lambda d: loop(d, "Cells").pop("MaxConcurrency"),
        *("Cells", "MaxConcurrency", "is missing"),
    ),
    "too much at once": (
        lambda d: loop(d, "Cells").update(MaxConcurrency=51),
        *("Cells", "MaxConcurrency", "less than or equal to 50"),
    ),
    "nothing at once": (
        lambda d: loop(d, "Cells").update(MaxConcurrency=0),
        *("Cells", "MaxConcurrency", "greater than or equal to 1"),
    ),
    "no body": (
        lambda d: loop(d, "Cells").update(ForEachBody=[]),
        *("Cells", "ForEachBody", "at least 1 item"),
    ),
    "an unknown key": (
        lambda d: loop(d, "Cells").update(MaxConcurency=2),
        *("Cells", "MaxConcurency", "did you mean 'MaxConcurrency'?"),
    ),
    "a condition in a body": (
        lambda d: loop(d, "Cells")["ForEachBody"].append(condition("Gate")),
        *("Cells", "ForEachBody", "no Condition step may be in a body"),
    ),
    "a failure in a body": (
        lambda d: loop(d, "Cells")["ForEachBody"].append(
            {"Name": "Fail", "Type": "Fail", "Arguments": {"ErrorMessage": "no"}}
        ),
        *("Cells", "ForEachBody", "no Fail step may be in a body"),
    ),
    "a loop in a body": (
        lambda d: loop(d, "Cells")["ForEachBody"].append(copy.deepcopy(d["Steps"][0])),
        *("Cells", "ForEachBody", "no ForEach step may be in a body"),
    ),
    "an unknown type in a body": (
        lambda d: body(d, "Screen").update(Type="Prossessing"),
        *("Screen", "Type", "did you mean 'Processing'?"),
    ),
    "a misspelt key in a body": (
        lambda d: body(d, "Screen").update(CachConfig={}),
        *("Screen", "CachConfig", "did you mean 'CacheConfig'?"),
    ),
    "one name in two bodies": (
        lambda d: body(d, "Evaluate2").update(Name="Evaluate"),
        *("Evaluate", "Name", "2 steps have this name"),
    ),
    "a body step called as a loop": (
        lambda d: body(d, "Harden2").update(Name="Cells"),
        *("Cells", "Name", "2 steps have this name"),
    ),
    "a step called as a run of a body": (
        lambda d: d["Steps"].append({**copy.deepcopy(body(d, "Screen")), "Name": "Evaluate-77"}),
        *("Evaluate-77", "Name", "a run of Evaluate has such a name"),
    ),
    "a name that is none": (
        lambda d: d["Steps"][0].update(Name="Worlds!"),
        *("Worlds!", "Name", "does not match"),
    ),
    "an item that is no JSON": (
        lambda d: change(d, "Worlds", 0, lambda text: text[:-1]),
        *("Worlds", "IterableItems[0]", "it is not JSON"),
    ),
    "an item that is a list": (
        lambda d: loop(d, "Worlds").update(IterableItems=[["a"]]),
        *("Worlds", "IterableItems[0]", "is no single value"),
    ),
    "an item without a field that is read": (
        lambda d: change(
            d, "Attacks", 1, lambda text: text.replace("Poison_inputs_config", "Poison_inputs_confg")
        ),
        *("Attacks", "IterableItems[1]", "item 1 has no field 'Poison_inputs_config'"),
    ),
    "a body that reads a field that there is not": (
        lambda d: poison(d)["Environment"].update(A={"Get": "ForEach.CurrentItem.word"}),
        *("Attacks", "IterableItems[0]", "item 0 has no field 'word'"),
    ),
    "an item outside a body": (
        lambda d: d["Steps"].append(
            {**copy.deepcopy(body(d, "Screen")), "Name": "Alone", "Arguments": copy.deepcopy(poison(d))}
        ),
        *("Alone", "Environment.BOOMERANG_INPUT_CONFIG", "inside the body of a ForEach step only"),
    ),
    "an item that there is not": (
        lambda d: retarget(d, "IterationOutputs[0]", "IterationOutputs[7]"),
        *("Poison-0", "ProcessingInputs['train'].S3Input.S3Uri", "there is no step 'Preprocess-7'"),
    ),
    "an output that there is not": (
        lambda d: retarget(d, "Outputs['train']", "Outputs['trian']"),
        *("Poison-0", "ProcessingInputs['train'].S3Input.S3Uri", "Preprocess-0 has no output 'trian'"),
    ),
    "a sibling of another body": (
        lambda d: poison(d)["Environment"].update(
            A={"Get": "Steps.TrainBaseline.ModelArtifacts.S3ModelArtifacts"}
        ),
        *("Poison-0", "Environment.A", "there is no step 'TrainBaseline'"),
    ),
    "an argument of one item that the service refuses": (
        lambda d: change(d, "Attacks", 1, lambda text: text.replace("s3://", "file://")),
        *("Poison-1", "ProcessingInputs['config'].S3Input.S3Uri", "does not match"),
    ),
    "a digest of one item that is another": (
        lambda d: change(d, "Attacks", 1, swap_digest),
        *("Poison-1", "Environment.BOOMERANG_INPUT_CONFIG", "is not the digest that"),
    ),
    "a time in one item": (
        lambda d: (
            change(d, "Cells", 1, lambda text: text.replace('{"name"', '{"now": "2026-11-20T12:00", "name"')),
            change(d, "Cells", 0, lambda text: text.replace('{"name"', '{"now": "x", "name"')),
            body(d, "Evaluate")["Arguments"]["Environment"].update(NOW={"Get": "ForEach.CurrentItem.now"}),
        ),
        *("Evaluate-1", "Environment.NOW", "is a time"),
    ),
    "the secret to a screen": (
        lambda d: give_the_secret(d, "Screens", "Screen_inputs_train"),
        *("Screen-0", "ProcessingInputs['train'].S3Input.S3Uri", "is for Evaluate alone"),
    ),
    "the secret to a hardening": (
        lambda d: give_the_secret(d, "Cells2", "Harden_inputs_train"),
        *("Harden2-0", "InputDataConfig['train'].DataSource.S3DataSource.S3Uri", "is for Evaluate alone"),
    ),
    "the secret to the victim": (
        lambda d: body(d, "TrainVictim")["Arguments"]["InputDataConfig"][0]["DataSource"][
            "S3DataSource"
        ].update(S3Uri={"Get": "Steps.Poison.ProcessingOutputConfig.Outputs['secret'].S3Output.S3Uri"}),
        *("TrainVictim-0", "InputDataConfig['train'].DataSource.S3DataSource.S3Uri", "is for Evaluate alone"),
    ),
    "an address of an input put together": (
        join,
        *("Screen-0", "ProcessingInputs['train'].S3Input.S3Uri", "is put together"),
    ),
    "a step called as a body of Evaluate that is none": (
        evaluate_again,
        *("Evaluate7", "ProcessingInputs['secret'].S3Input.S3Uri", "is for Evaluate alone"),
    ),
    "no network isolation in a body": (
        lambda d: poison(d)["NetworkConfig"].update(EnableNetworkIsolation=False),
        *("Poison-1", "NetworkConfig.EnableNetworkIsolation", "is not true"),
    ),
    "more steps than a pipeline has": (
        lambda d: d["Steps"].extend(
            {**copy.deepcopy(body(d, "Preprocess")), "Name": f"More{number}"} for number in range(46)
        ),
        *("pipeline", "Steps", "51 steps, at most 50 are taken"),
    ),
}


@pytest.mark.parametrize("mistake", sorted(PLANTED))
def test_a_planted_mistake_is_named_with_its_step_and_field(sound: Definition, mistake: str) -> None:
    plant, step, field, words = PLANTED[mistake]
    definition = copy.deepcopy(sound)
    plant(definition)
    problems = check_definition(definition)
    assert any(
        (problem.where, problem.field) == (step, field) and words in problem.what for problem in problems
    ), [str(problem) for problem in problems]


def test_a_step_beside_the_bodies_is_held_as_everywhere_else(sound: Definition) -> None:
    definition = copy.deepcopy(sound)
    definition["Steps"].append({**copy.deepcopy(body(definition, "Preprocess")), "Name": "Alone"})
    found = {(problem.where, problem.field.partition(".")[0]) for problem in check_definition(definition)}
    assert found == {("Alone", "ProcessingOutputConfig")}
