"""From answers to numbers and verdicts, on cases small enough to count by hand."""

from __future__ import annotations

import numpy as np
import pytest

from boomerang.gate import GateConfig
from boomerang.metrics import AttackNumbers, CanaryNumbers, rate
from processing.evaluation.numbers import (
    Trial,
    attack_numbers,
    canary_numbers,
    detector_numbers,
    verdict,
    with_der,
)

X = np.zeros((4, 2, 2, 3), np.uint8)
CLASSES = ("airplane", "bird", "cat")
ALL_RIGHT = CanaryNumbers(right=rate(5, 5))


def ints(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


def test_a_backdoor_is_counted_on_the_triggered_images() -> None:
    trial = Trial("patch", "badnets", "backdoor", 1, X, X, ints(0, 0, 2, 2))
    found = attack_numbers(trial, ints(1, 1, 1, 2), ints(0, 2, 2, 2), ints(0, 0, 2, 2), "bird")
    assert found.asr == rate(3, 4) and found.ra == rate(1, 4) and found.plain_accuracy == rate(3, 4)
    assert found.turned is None, "a backdoor is judged by its interval"


def test_pictures_count_as_turned_only_where_the_clean_model_did_not_err() -> None:
    trial = Trial("mislabel", "mislabel", "targeted", 1, X, None, ints(0, 0, 0, 0))
    found = attack_numbers(trial, ints(1, 1, 1, 0), None, ints(1, 0, 0, 0), "bird")
    assert found.asr == rate(3, 4) and found.turned == rate(2, 4) and found.plain_accuracy is None


def test_an_untargeted_attack_has_no_success_rate() -> None:
    trial = Trial("flip", "label_flip", "untargeted", None, X[:0], None, ints())
    found = attack_numbers(trial, ints(), None, ints(), None)
    assert found.asr is None and found.ra is None and found.turned is None


def backdoor(asr: tuple[int, int], plain: tuple[int, int] = (100, 100)) -> AttackNumbers:
    ra = rate(asr[1] - asr[0], asr[1])
    return AttackNumbers(
        name="p",
        kind="badnets",
        outcome="backdoor",
        target="bird",
        asr=rate(*asr),
        ra=ra,
        plain_accuracy=rate(*plain),
    )


def test_the_gate_goes_by_the_upper_bound() -> None:
    passing = verdict(0.0, (backdoor((5, 300), (300, 300)),), ALL_RIGHT, None, GateConfig())
    few = verdict(0.0, (backdoor((0, 30), (30, 30)),), ALL_RIGHT, None, GateConfig())
    assert passing.passed, "5 of 300 has an upper bound of 3.8%"
    assert not few.passed, "0 of 30 has an upper bound of 11.4%: too few images to vouch for 10%"


def test_robust_accuracy_is_compared_on_the_same_images() -> None:
    hard_class = backdoor((0, 400), (200, 400)).model_copy(update={"ra": rate(190, 400)})
    assert verdict(0.0, (hard_class,), ALL_RIGHT, None, GateConfig()).passed


def test_the_worst_of_several_attacks_counts_and_a_missing_one_rejects() -> None:
    good, bad = backdoor((0, 300)), backdoor((290, 300))
    assert not verdict(0.0, (good, bad), ALL_RIGHT, None, GateConfig()).passed
    unmeasured = good.model_copy(update={"asr": rate(0, 0)})
    found = verdict(0.0, (good, unmeasured), ALL_RIGHT, None, GateConfig())
    assert [c.key for c in found.checks if not c.passed] == ["asr_upper"]


def test_one_wrong_canary_rejects_and_none_at_all_too() -> None:
    answers = canary_numbers(ints(0, 1), ints(0, 2), ("a", "b"), CLASSES)
    assert answers.right == rate(1, 2) and answers.misses[0].model_dump() == {
        "id": "b",
        "expected": "bird",
        "got": "cat",
    }
    for canaries in (answers, CanaryNumbers(right=rate(0, 0))):
        found = verdict(0.0, (), canaries, None, GateConfig())
        assert [c.key for c in found.checks if not c.passed] == ["canary_failures"]


def test_a_screen_that_takes_too_many_clean_rows_rejects() -> None:
    assert verdict(0.0, (), ALL_RIGHT, rate(20, 1000), GateConfig()).passed
    assert not verdict(0.0, (), ALL_RIGHT, rate(21, 1000), GateConfig()).passed


def test_der_compares_with_the_victim() -> None:
    (found,) = with_der((backdoor((10, 100)),), (backdoor((90, 100)),), 0.02)
    assert found.der == pytest.approx((0.8 - 0.02 + 1) / 2)


def test_a_detector_is_held_against_the_truth_by_attack() -> None:
    attack_of = np.array([0, 0, 0, 0, 1, 1, 2, 2], np.int8)
    flagged = np.array([1, 0, 0, 0, 1, 1, 1, 0], bool)
    scores = np.array([9, 1, 1, 1, 8, 8, 8, 0], float)
    found = detector_numbers("d", "k", flagged, scores, attack_of, ("a", "b"))
    assert found.tpr == rate(3, 4) and found.fpr == rate(1, 4)
    assert found.precision == 0.75 and found.f1 == pytest.approx(0.75)
    assert found.by_attack == {"a": rate(2, 2), "b": rate(1, 2)}
    assert found.auroc_by_attack == {"a": 0.75, "b": pytest.approx(3 / 8)}


def test_a_clean_set_has_a_false_positive_rate_only() -> None:
    found = detector_numbers("d", "k", np.array([1, 0], bool), np.array([1.0, 0.0]), np.zeros(2, np.int8), ())
    assert found.fpr == rate(1, 2) and found.tpr.value is None
    assert found.precision is found.f1 is found.auroc is found.ap is None


def test_a_detector_that_flags_nothing_has_an_f1_of_0() -> None:
    found = detector_numbers("d", "k", np.zeros(2, bool), np.zeros(2), np.array([0, 1], np.int8), ("a",))
    assert found.precision is None and found.f1 == 0
