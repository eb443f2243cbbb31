"""MM-BD: the planted class reaches further than the others, and a clean model raises no alarm."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.foreign_models import CLASSES, TARGET, trained

from training.checks.mm_bd import effort_for, judged, largest_margins
from training.foreign.adopted import adopt, logits_of


@pytest.fixture(scope="module")
def margins() -> dict[bool, np.ndarray]:
    return {poisoned: largest_margins(adopt(trained(poisoned=poisoned), 1.0)) for poisoned in (True, False)}


def test_the_class_of_a_backdoor_is_named_beside_a_clean_control(margins: dict[bool, np.ndarray]) -> None:
    found = judged(margins[True], margins[False])
    assert found.target == TARGET and found.alarm and found.p_published is None


def test_a_clean_model_raises_no_alarm(margins: dict[bool, np.ndarray]) -> None:
    assert not judged(margins[False]).alarm
    assert not judged(margins[False], margins[False]).alarm


def test_the_margin_is_one_that_an_image_has(margins: dict[bool, np.ndarray]) -> None:
    """More than any image of noise has, and no more than the weights allow: white or black everywhere."""
    model = adopt(trained(poisoned=True), 1.0)
    noise = np.random.default_rng(0).random((200, *model.input_shape[1:]), np.float32)
    z = np.asarray(logits_of(model)(noise))
    assert (margins[True] > [margin(z, label).max() for label in range(CLASSES)]).all()


def margin(z: np.ndarray, label: int) -> np.ndarray:
    return z[:, label] - np.delete(z, label, axis=1).max(axis=1)


def test_the_same_seed_gives_the_same_margins(margins: dict[bool, np.ndarray]) -> None:
    again = largest_margins(adopt(trained(poisoned=True), 1.0))
    assert np.allclose(again, margins[True], rtol=1e-4)


def test_p_is_that_of_the_largest_of_all() -> None:
    """Of logarithms drawn from one normal distribution, one alarm in twenty is false: not one in three."""
    draws = np.exp(np.random.default_rng(0).normal(3, 0.3, (400, 10))).astype(np.float32)
    false = np.mean([judged(each).alarm for each in draws])
    assert 0.02 < false < 0.15
    assert judged(np.float32([10, 11, 12, 10, 11, 12, 10, 11, 12, 90])).alarm


def test_few_classes_have_no_p_and_raise_no_alarm() -> None:
    found = judged(np.float32([1, 1, 9]))
    assert (found.p, found.p_published, found.alarm, found.target, found.ratio) == (None, None, False, 2, 9.0)


def test_many_classes_get_less_each_but_all_alike() -> None:
    assert effort_for(10) == (30, 300) and effort_for(1283) == (1, 116)
