"""What SageMaker's step caching sees of a change of the config: the steps that it concerns, and no other.

The service reuses a step where certain arguments are as they were in an earlier run. What comes of a
step that runs anew lies at another address, so a step that reads from it runs anew too.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from helpers.definitions import config

from pipelines.campaign.site import LOCAL, Roles, Site
from pipelines.check.cache_keys import ATTRIBUTES, key_attributes
from pipelines.definition.build import build
from pipelines.language.expressions import references
from pipelines.language.graph import JOBS, ordered

# Short names, so that the table below can be read.
APP, INPUTS, TOLD = "AppSpecification", "ProcessingInputs", "Environment"
ALGORITHM, CHANNELS = "AlgorithmSpecification", "InputDataConfig"
SETTINGS, CHECKPOINTS = "HyperParameters", "CheckpointConfig"

BASE: dict[str, Any] = {
    "attacks": [{"kind": "badnets", "target": "bird", "rate": 0.1}],
    "screen": {"detectors": [{"kind": "activation_clustering"}]},
}
ACCOUNT = replace(
    LOCAL,
    roles=Roles(*(f"arn:aws:iam::123456789012:role/another-{kind}" for kind in "ptesc")),
    kms_key="arn:aws:kms:us-east-1:123456789012:key/another",
    package_group="another",
    subnets=("subnet-1",),
    security_groups=("sg-1",),
)
IMAGE = replace(LOCAL, image=LOCAL.image.replace("0" * 64, "1" * 64))
BEHIND_POISON = {
    "TrainVictim": {CHECKPOINTS, CHANNELS},
    "Screen": {INPUTS},
    "Harden": {CHECKPOINTS, CHANNELS},
    "Evaluate": {INPUTS},
}

# What is changed in the config or the site, and which attributes of which steps are then others.
EDITS: dict[str, tuple[dict[str, Any], Site, dict[str, set[str]]]] = {
    "epochs": (
        {"train": {"epochs": 9}},
        LOCAL,
        {
            "TrainBaseline": {SETTINGS, CHECKPOINTS},
            "TrainVictim": {CHECKPOINTS, CHANNELS},
            "Screen": {INPUTS},
            "Harden": {SETTINGS, CHECKPOINTS, CHANNELS},
            "Evaluate": {INPUTS},
        },
    ),
    "learning rate of the fine-tune": (
        {"victim": {"learning_rate": 0.001}},
        LOCAL,
        {**BEHIND_POISON, "TrainVictim": {SETTINGS, CHECKPOINTS}},
    ),
    "attack rate": (
        {"attacks": [{"kind": "badnets", "target": "bird", "rate": 0.2}]},
        LOCAL,
        {"Poison": {INPUTS, TOLD}, **BEHIND_POISON},
    ),
    "a detector's setting": (
        {"screen": {"detectors": [{"kind": "activation_clustering", "size_threshold": 0.3}]}},
        LOCAL,
        {"Screen": {INPUTS, TOLD}, "Harden": {CHECKPOINTS, CHANNELS}, "Evaluate": {INPUTS}},
    ),
    "a limit of the gate": ({"gate": {"max_asr_upper": 0.5}}, LOCAL, {"Evaluate": {APP}}),
    "machines, spot and times": (
        {
            "jobs": {
                "training_instance": "ml.m5.xlarge",
                "training_count": 2,
                "spot": False,
                "warm_s": 600,
                "volume_gb": 50,
                "timeout_s": 60,
            }
        },
        LOCAL,
        {},
    ),
    "role, key and network of the account": ({}, ACCOUNT, {}),
    "the image": (
        {},
        IMAGE,
        {
            "Preprocess": {APP},
            "TrainBaseline": {ALGORITHM, CHECKPOINTS, CHANNELS},
            "Poison": {APP, INPUTS},
            "TrainVictim": {ALGORITHM, CHECKPOINTS, CHANNELS},
            "Screen": {APP, INPUTS},
            "Harden": {ALGORITHM, CHECKPOINTS, CHANNELS},
            "Evaluate": {APP, INPUTS},
        },
    ),
}


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    (tmp_path / "one.png").write_bytes(b"before")
    return tmp_path


@pytest.fixture(scope="module")
def before() -> dict[str, Any]:
    return build(config(**BASE)).definition


@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_makes_those_steps_run_anew_that_it_concerns(edit: str, before: dict[str, Any]) -> None:
    sections, site, expected = EDITS[edit]
    after = build(config(**{**BASE, **sections}), site).definition
    assert changes(before, after) == expected


def test_other_pictures_make_every_step_run_anew(pictures: Path) -> None:
    first = build(config(pictures, **BASE)).definition
    assert changes(first, build(config(pictures, **BASE)).definition) == {}
    (pictures / "one.png").write_bytes(b"behind")
    assert changes(first, build(config(pictures, **BASE)).definition) == {
        "Preprocess": {INPUTS, TOLD},
        "TrainBaseline": {CHECKPOINTS, CHANNELS},
        "Poison": {INPUTS},
        **BEHIND_POISON,
    }


def test_every_job_has_attributes_that_count(before: dict[str, Any]) -> None:
    assert set(ATTRIBUTES) == JOBS
    for node in ordered(before):
        assert bool(key_attributes(node)) == (node.kind in JOBS)


def changes(before: dict[str, Any], after: dict[str, Any]) -> dict[str, set[str]]:
    """Which attributes that decide on reuse differ, by step; an output of a step that differs does too."""
    old = {node.name: keys(before, node.name) for node in ordered(before)}
    found: dict[str, set[str]] = {}
    for node in ordered(after):
        now = keys(after, node.name)
        different = {
            name
            for name in now.keys() | old[node.name].keys()
            if now.get(name) != old[node.name].get(name) or references(now.get(name)).steps & found.keys()
        }
        if different:
            found[node.name] = different
    return found


def keys(definition: dict[str, Any], name: str) -> dict[str, Any]:
    """A step's attributes, every parameter at its default."""
    node = next(node for node in ordered(definition) if node.name == name)
    defaults = {f"Parameters.{entry['Name']}": entry["DefaultValue"] for entry in definition["Parameters"]}
    filled: dict[str, Any] = fill(key_attributes(node), defaults)
    return filled


def fill(value: Any, defaults: dict[str, Any]) -> Any:
    if isinstance(value, dict):
        if set(value) == {"Get"}:
            return defaults.get(value["Get"], value)
        return {key: fill(inner, defaults) for key, inner in value.items()}
    return [fill(inner, defaults) for inner in value] if isinstance(value, list) else value
