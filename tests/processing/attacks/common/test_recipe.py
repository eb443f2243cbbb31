"""A recipe: attacks are created from their settings and get names of their own; what is wrong is said."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from helpers.attack_pools import spec
from helpers.ranges import ROOT

from boomerang.errors import ConfigError
from processing.attacks import ATTACKS
from processing.attacks.common.recipe import MAX_ATTACKS, create, create_recipe, taking_over

PATCH = {"target": "bird", "rate": 0.1}


def test_an_unknown_kind_gets_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"attack 3: kind 'badnet'(.|\n)*did you mean 'badnets'"):
        create(spec("badnet"), 3)


def test_an_unknown_setting_gets_the_nearest() -> None:
    misspelled = spec("badnets", **PATCH, patch=3)
    with pytest.raises(ConfigError, match=r"'patch' in attack 2 \(badnets\): did you mean 'patch_px'"):
        create(misspelled, 2)


@pytest.mark.parametrize("rate", [0, -0.1, 1.01, float("nan")])
def test_a_rate_is_a_fraction(rate: float) -> None:
    with pytest.raises(ConfigError, match="'rate'"):
        create(spec("label_flip_random", rate=rate))


def test_names_become_unique_and_stay_as_given_where_they_can() -> None:
    names = [None, None, "mine", "mine", "mine-2", None]
    specs = [spec("badnets", **PATCH, **({"name": n} if n else {})) for n in names]
    got = [attack.name for attack in create_recipe(specs)]
    assert got == ["badnets", "badnets-2", "mine", "mine-2", "mine-2-2", "badnets-3"]


def test_a_recipe_has_no_more_attacks_than_an_int8_can_name() -> None:
    specs = [spec("label_flip_random", rate=0.01)] * MAX_ATTACKS
    assert len(create_recipe(specs)) == MAX_ATTACKS
    with pytest.raises(ConfigError, match="128 attacks"):
        create_recipe([*specs, specs[0]])


Flip: Any = ATTACKS["label_flip_random"]


class Mentor(Flip):
    """An attack that trains."""

    takes_over = True


def test_at_most_one_attack_takes_over_the_training() -> None:
    honest, first, second = (
        create(spec("badnets", **PATCH)),
        Mentor(rate=0.1, name="a"),
        Mentor(rate=0.1, name="b"),
    )
    assert taking_over([honest]) is None and taking_over([honest, first]) is first
    with pytest.raises(ConfigError, match="attack 'a' and attack 'b'"):
        taking_over([first, honest, second])


def test_importing_the_registry_is_cheap() -> None:
    heavy = "{'tensorflow', 'keras', 'art', 'sagemaker', 'boto3', 'sklearn', 'scipy'}"
    code = f"import sys, processing.attacks, processing.poison; print(sorted({heavy} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
