from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from scipy.stats import binomtest

from boomerang.manifest import Bools
from pipelines.matrix.gathering.measured import Counts, Effect
from pipelines.matrix.gathering.over_seeds import hatched, numbers_of, unreliable
from pipelines.matrix.quantities import ACCURACY, ASR, CPU, DER

IMAGES = 400


def mask(true: int, total: int = IMAGES) -> Bools:
    return np.arange(total) < true


def effect(success: int, undefended: int, total: int = IMAGES) -> Effect:
    pair = (mask(success, total), mask(undefended, total))
    return Effect((undefended, total), {ASR: (success, total)}, {DER: 0.75}, {ASR: pair})


@dataclass
class Seen:
    """What `judging` asks of a run."""

    effects: dict[str, Effect] = field(default_factory=dict)
    right: int = 360
    right_before: int = 368
    values: dict[str, float] = field(default_factory=lambda: {CPU: 2.0})
    unanswered: int = 0
    refuses: bool = False

    @property
    def counts(self) -> dict[str, Counts]:
        return {ACCURACY: (self.right, IMAGES)}

    @property
    def pairs(self) -> dict[str, tuple[Bools, Bools]]:
        return {ACCURACY: (mask(self.right), mask(self.right_before))}

    @property
    def metrics(self) -> Any:
        seen = SimpleNamespace(unanswered=self.unanswered, refuses=self.refuses)
        models = {"victim": seen, "hardened": seen}
        return SimpleNamespace(candidate="hardened", models=models)


def two(first: Seen, second: Seen) -> Any:
    return {"0": first, "1": second}


def test_a_share_has_its_mean_over_seeds_and_the_interval_of_all_images() -> None:
    found = numbers_of(two(Seen({"a": effect(40, 380)}), Seen({"a": effect(120, 390, 600)})))[ASR]
    assert found.by_seed == {"0": 0.1, "1": 0.2}
    assert np.isclose(found.value, 0.15)
    assert (found.successes, found.total) == (160, 1000)
    interval = binomtest(160, 1000).proportion_ci(method="wilson")
    assert np.allclose((found.low, found.high), (interval.low, interval.high))


def test_the_difference_is_to_the_undefended_model_on_the_same_images() -> None:
    difference = numbers_of(two(Seen({"a": effect(40, 380)}), Seen({"a": effect(120, 360)})))[ASR].difference
    assert difference is not None and difference.low is not None and difference.high is not None
    assert np.isclose(difference.value, ((40 - 380) + (120 - 360)) / 2 / IMAGES)
    assert np.isclose(difference.least, (40 - 380) / IMAGES) and np.isclose(difference.most, -240 / IMAGES)
    assert difference.low < difference.value < difference.high < 0


def test_of_several_attacks_the_numbers_are_those_of_the_one_that_succeeds_most() -> None:
    first = Seen({"a": effect(300, 380), "b": effect(10, 380)})
    second = Seen({"a": effect(20, 380), "b": effect(350, 380)})
    assert numbers_of(two(first, second))[ASR].successes == 360, "b's with both seeds, not each seed's worst"


def test_what_a_seed_did_not_measure_is_not_counted() -> None:
    found = numbers_of(two(Seen(), Seen({"a": effect(40, 380)}, values={})))
    assert list(found[ASR].by_seed) == ["1"] and list(found[CPU].by_seed) == ["0"]
    assert ASR not in numbers_of(two(Seen(), Seen()))


def test_a_value_that_is_no_share_has_no_interval() -> None:
    found = numbers_of(two(Seen(values={CPU: 1.0}), Seen(values={CPU: 4.0})))[CPU]
    assert (found.value, found.least, found.most, found.low, found.total) == (2.5, 1.0, 4.0, None, None)


@pytest.mark.parametrize(("undefended", "said"), [(199, True), (200, False)])
def test_an_attack_that_failed_undefended_is_hatched(undefended: int, said: bool) -> None:
    reasons = hatched(two(Seen({"a": effect(5, undefended)}), Seen({"a": effect(5, undefended)})))
    assert any("the attack itself failed" in each for each in reasons) == said


def test_one_attack_of_a_recipe_that_works_is_enough() -> None:
    recipe = {"a": effect(5, 10), "b": effect(5, 390)}
    assert not hatched(two(Seen(recipe), Seen(recipe)))


@pytest.mark.parametrize(("right", "said"), [(347, True), (349, False)])
def test_accuracy_that_fell_by_more_than_five_points_is_hatched(right: int, said: bool) -> None:
    reasons = hatched(two(Seen(right=right), Seen(right=right)))
    assert any("clean accuracy fell by" in each for each in reasons) == said


def test_what_rests_on_too_little_is_said() -> None:
    sound = Seen({"a": effect(40, 380)})
    assert unreliable(two(sound, sound)) == ()
    assert "one seed" in unreliable({"0": sound})[0]  # type: ignore[dict-item]  # what it asks of a run
    few = Seen({"a": effect(4, 38, 40)})
    assert unreliable(two(sound, few)) == ("its ASR is counted on 40 images a seed",)
    assert "do not agree" in unreliable(two(sound, Seen({"a": effect(300, 380)})))[0]
    assert "with seed 1" in unreliable(two(sound, Seen({"a": effect(40, 380)}, unanswered=3)))[0]
    assert not unreliable(two(sound, Seen({"a": effect(40, 380)}, unanswered=3, refuses=True)))
