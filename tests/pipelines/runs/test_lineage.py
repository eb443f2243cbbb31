"""The lineage of the project's own pipeline as a run leaves it: from the package back to the data."""

from __future__ import annotations

import json
from typing import Any

import pytest
from helpers.ranges import Range

from pipelines.check.package_card import Card
from pipelines.registry.local import Registry
from pipelines.report.lineage_graph import build
from pipelines.runs.lineage import Lineage


@pytest.fixture(scope="module")
def lineage(digits_range: Range) -> Lineage:
    return Lineage.model_validate_json((digits_range.first.folder / "lineage.json").read_text())


def short(lineage: Lineage, name: str) -> str:
    return name.removesuffix(f"-{lineage.run}")


def before(lineage: Lineage) -> dict[str, set[str]]:
    """What led to each entity."""
    led: dict[str, set[str]] = {short(lineage, entity.name): set() for entity in lineage.entities}
    for each in lineage.associations:
        if each.type in ("ContributedTo", "Produced"):
            led[short(lineage, each.destination)].add(short(lineage, each.source))
    return led


def test_every_way_from_the_package_ends_at_what_came_from_outside(lineage: Lineage) -> None:
    led, seen, todo = before(lineage), set(), ["package"]
    while todo:
        name = todo.pop()
        if name not in seen:
            seen.add(name)
            todo += led[name]
    ends = {name for name in seen if not led[name]}
    assert ends == {"settings", "recipe"}, "the digits come from no file, and the corner from no image"
    assert {"Preprocess-train", "Poison-train", "Screen-screen", "Harden-model", "Evaluate-canaries"} <= seen
    assert seen == led.keys(), "nothing is recorded that the package does not come from"


def test_every_thing_has_the_digest_of_its_content(lineage: Lineage, digits_range: Range) -> None:
    step = digits_range.first.step
    things = {short(lineage, each.name): each for each in lineage.entities if each.entity == "Artifact"}
    for name, thing in things.items():
        assert thing.content, name
        maker, _, output = name.partition("-")
        if maker in ("Preprocess", "TrainBaseline", "Poison", "TrainVictim", "Screen", "Harden"):
            assert thing.content == step(maker)["outputs"][output]["digest"]
    metrics = digits_range.first.metrics
    assert things["Harden-model"].digest == metrics["models"]["hardened"]["digest"]
    assert things["Evaluate-canaries"].digest == metrics["canaries"]["digest"]


def test_the_package_says_the_same_of_itself(lineage: Lineage, digits_range: Range) -> None:
    package = Registry(digits_range.out / "registry").package("digits", 1)
    things = {short(lineage, each.name): each for each in lineage.entities}
    said = package.facts["metadata"]
    assert things["package"].content == package.facts["digest"]
    assert things["Poison-train"].digest == said["DatasetDigest"] == package.facts["dataset"]["manifest"]
    assert things["recipe"].digest == said["RecipeDigest"]
    assert things["Evaluate-probes"].digest == said["ProbesDigest"]


def test_the_card_of_the_package_is_of_the_schema(digits_range: Range) -> None:
    package = Registry(digits_range.out / "registry").package("digits", 1)
    card: dict[str, Any] = package.facts["card"]
    Card.model_validate(card)
    groups = {group["name"]: group for group in card["evaluation_details"][0]["metric_groups"]}
    measured = {each["name"]: each["value"] for group in groups.values() for each in group["metric_data"]}
    metrics = digits_range.first.metrics
    assert set(metrics["gate"].values()) <= set(measured.values())
    assert (
        measured["test images answered right"] == metrics["models"]["hardened"]["clean_accuracy"]["successes"]
    )
    assert len(json.dumps(card)) < 100_000


def test_things_stand_behind_what_they_were_made_from(lineage: Lineage) -> None:
    graph = build(lineage)
    assert graph is not None
    column = {thing["id"]: thing["column"] for thing in graph["things"]}
    steps = graph["steps"]
    for thing in graph["things"]:
        assert all(column[thing["id"]] <= steps.index(step) for step in thing["read_by"])
    assert [thing["id"] for thing in graph["things"]][-1] == "package"
    assert column["recipe"] == steps.index("Poison"), "what came from outside stands before who reads it"
