"""Definitions of the project's own pipeline, and how tests find their way in them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from boomerang.config import validate
from pipelines.campaign.sections import Config
from pipelines.language.graph import flatten

FLIP = {"kind": "label_flip_random", "rate": 0.1}
PATCH = {"kind": "badnets", "target": "bird", "rate": 0.1}
# Kinds that are only drawn; of an attack a test says what it needs.
ATTACK = '''
from typing import ClassVar, Literal

from processing.attacks.common.base import Attack


class Tried(Attack):
    """An attack that is only drawn."""

    title = "tried"
    outcome = "untargeted"
    example: ClassVar = {}
    %s

    kind: Literal["tried"] = "tried"

    def poison(self, pool, rng):
        raise AssertionError("nobody runs it")

    def train(self, lesson):
        raise AssertionError("nobody runs it")
'''
REPAIR = '''
from typing import Literal

from training.repair.common.base import Repair


class Scrub(Repair):
    """A repair of the model that it is given."""

    title = "scrub"
    source = "this test"

    kind: Literal["scrub"] = "scrub"

    def repair(self, model, bench):
        raise AssertionError("nobody runs it")
'''


def config(pictures: Path | None = None, **sections: Any) -> Config:
    """A config with one picture set, or none."""
    sets = [{"name": "boomerang", "path": str(pictures), "label": "airplane"}] if pictures else []
    return validate(Config, {"name": "trial", "pictures": sets, **sections}, where="test")


def names(definition: dict[str, Any]) -> list[str]:
    """The steps, those of the gate's branches after the gate."""
    return [node.name for node in flatten(definition["Steps"])]


def step(definition: dict[str, Any], name: str) -> dict[str, Any]:
    """A step, to be read or changed in place."""
    found: Any = next(node.step for node in flatten(definition["Steps"]) if node.name == name)
    return found  # type: ignore[no-any-return]


def inputs(step: dict[str, Any]) -> dict[str, Any]:
    """Each input's address by its name, of a processing or a training step."""
    arguments = step["Arguments"]
    found = {entry["InputName"]: entry["S3Input"]["S3Uri"] for entry in arguments.get("ProcessingInputs", [])}
    for channel in arguments.get("InputDataConfig", []):
        found[channel["ChannelName"]] = channel["DataSource"]["S3DataSource"]["S3Uri"]
    return found
