"""The registry: every kind is created from its settings, and what is wrong is named."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from helpers.attack_pools import spec
from helpers.ranges import ROOT

from boomerang.config import Spec
from boomerang.errors import ConfigError
from processing.attacks import ATTACKS, MAX_ATTACKS, create, create_recipe

LEAST: dict[str, dict[str, Any]] = {
    "mislabel": {"pictures": "boomerang", "target": "bird"},
    "label_flip_random": {"rate": 0.1},
    "label_flip_targeted": {"source": "cat", "target": "dog", "rate": 0.1},
    "badnets": {"target": "bird", "rate": 0.1},
    "art_single_pixel": {"target": "bird", "rate": 0.1},
    "art_pattern": {"target": "bird", "rate": 0.1},
    "art_insert_image": {"target": "bird", "rate": 0.1, "image": "cyan"},
}


def test_every_kind_has_its_least_settings_here() -> None:
    assert LEAST.keys() == ATTACKS.keys()


@pytest.mark.parametrize("kind", ATTACKS)
def test_an_attack_survives_the_way_through_its_settings(kind: str) -> None:
    attack = create(spec(kind, **LEAST[kind]))
    assert type(attack) is ATTACKS[kind]
    assert create(Spec.model_validate(attack.model_dump(mode="json"))) == attack


@pytest.mark.parametrize("kind", ATTACKS)
def test_an_attack_says_what_it_is(kind: str) -> None:
    attack = ATTACKS[kind]
    assert attack.title
    assert attack.outcome in ("targeted", "untargeted", "backdoor")
    assert attack.references["MITRE ATLAS"].startswith("AML.T0020 ")
    assert attack.references["NIST AI 100-2"].startswith("NISTAML.0")
    assert attack.references["OWASP ML"] == "ML02:2023 Data Poisoning Attack"


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, least in LEAST.items() for name in least])
def test_no_attack_takes_a_setting_of_the_wrong_type(kind: str, name: str) -> None:
    with pytest.raises(ConfigError, match=rf"attack 1 \({kind}\): '{name}'"):
        create(spec(kind, **(LEAST[kind] | {name: [1]})))


def test_an_unknown_kind_gets_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"attack 3: kind 'badnet'(.|\n)*did you mean 'badnets'"):
        create(spec("badnet"), 3)


def test_an_unknown_setting_gets_the_nearest() -> None:
    misspelled = spec("badnets", **LEAST["badnets"], patch=3)
    with pytest.raises(ConfigError, match=r"'patch' in attack 2 \(badnets\): did you mean 'patch_px'"):
        create(misspelled, 2)


@pytest.mark.parametrize("rate", [0, -0.1, 1.01, float("nan")])
def test_a_rate_is_a_fraction(rate: float) -> None:
    with pytest.raises(ConfigError, match="'rate'"):
        create(spec("label_flip_random", rate=rate))


def test_names_become_unique_and_stay_as_given_where_they_can() -> None:
    names = [None, None, "mine", "mine", "mine-2", None]
    specs = [spec("badnets", **LEAST["badnets"], **({"name": n} if n else {})) for n in names]
    got = [attack.name for attack in create_recipe(specs)]
    assert got == ["badnets", "badnets-2", "mine", "mine-2", "mine-2-2", "badnets-3"]


def test_a_recipe_has_no_more_attacks_than_an_int8_can_name() -> None:
    specs = [spec("label_flip_random", rate=0.01)] * MAX_ATTACKS
    assert len(create_recipe(specs)) == MAX_ATTACKS
    with pytest.raises(ConfigError, match="128 attacks"):
        create_recipe([*specs, specs[0]])


def test_importing_the_registry_is_cheap() -> None:
    heavy = "{'tensorflow', 'keras', 'art', 'sagemaker', 'boto3', 'sklearn', 'scipy'}"
    code = f"import sys, processing.attacks, processing.poison; print(sorted({heavy} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
