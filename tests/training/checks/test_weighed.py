"""All evidence together: an alarm makes a model suspicious, a hint does not, and nothing makes it clean."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from training.checks.mm_bd import judged
from training.checks.neural_cleanse import ReversedTriggers
from training.checks.weighed import weigh
from training.checks.weight_spectrum import HeadSpectrum, LayerSpectrum

EVEN = judged(np.float32([10, 11, 12, 10, 11, 12]))
FAR = judged(np.float32([10, 11, 12, 10, 11, 99]))
TRIGGERS = ReversedTriggers(
    (0, 1, 2, 3, 4),
    np.zeros((5, 4, 4), np.float32),
    np.zeros((5, 4, 4, 1), np.float32),
    np.float32([9, 10, 1, 11, 10]),
    np.ones(5, np.float32),
    np.float32([0.7, 0, 6, -0.7, 0]),
)
HEAD = HeadSpectrum(*(np.float32([1, 9]) for _ in range(4)))


def test_either_alarm_makes_it_suspicious_and_names_its_class() -> None:
    both = weigh(FAR, TRIGGERS, (), None)
    assert both.suspicious and both.targets == (5, 2)
    assert weigh(FAR, None, (), None).targets == (5,)
    assert weigh(EVEN, TRIGGERS, (), None).targets == (2,)


def test_hints_alone_do_not() -> None:
    far = LayerSpectrum("conv", np.array([1.0] * 30 + [90.0]))
    found = weigh(EVEN, None, (far,), HEAD)
    assert not found.suspicious and found.targets == ()
    assert "1 of 31 channels" in found.evidence[1].words and found.evidence[2].target == 1


def test_a_patch_that_was_not_found_or_of_few_classes_is_no_alarm() -> None:
    missed = replace(TRIGGERS, success=np.zeros(5, np.float32))
    assert not weigh(EVEN, missed, (), None).suspicious
    few = replace(TRIGGERS, classes=(0, 1, 2), sizes=TRIGGERS.sizes[:3], index=TRIGGERS.index[:3])
    found = weigh(EVEN, few, (), None)
    assert not found.suspicious and "too few classes" in found.evidence[1].words


def test_it_is_said_what_the_margins_are_held_against() -> None:
    assert "by the control's" in weigh(FAR, None, (), None, controlled=True).evidence[0].words
    assert "as published" in weigh(FAR, None, (), None).evidence[0].words
