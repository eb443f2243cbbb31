"""From answers to numbers and verdicts, on cases small enough to count by hand."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.judged import backdoor

from boomerang.scoring import rate
from processing.evaluation.numbers import (
    Trial,
    attack_numbers,
    canary_numbers,
    detector_numbers,
    with_der,
)
from training.model import NO_ANSWER

X = np.zeros((4, 2, 2, 3), np.uint8)
CLASSES = ("airplane", "bird", "cat")


def ints(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


def test_a_backdoor_is_counted_on_the_triggered_images() -> None:
    trial = Trial("patch", "badnets", "backdoor", 1, X, X, ints(0, 0, 2, 2))
    found = attack_numbers(trial, ints(1, 1, 1, 2), ints(0, 2, 2, 2), ints(0, 0, 2, 2), "bird")
    assert found.asr == rate(3, 4) and found.ra == rate(1, 4) and found.plain_accuracy == rate(3, 4)
    assert found.turned is None, "a backdoor is judged by its interval"


def test_a_refused_image_is_no_success_and_not_right_and_no_answer_of_another_model_is_no_number() -> None:
    trial = Trial("patch", "badnets", "backdoor", 1, X, X, ints(0, 0, 2, 2))
    calls, plain = ints(NO_ANSWER, NO_ANSWER, 1, 2), ints(0, 0, 2, NO_ANSWER)
    found = attack_numbers(trial, calls, plain, ints(0, 0, 2, 2), "bird", refuses=True)
    assert found.asr == rate(1, 4) and found.ra == rate(1, 4) and found.refused == 2
    assert found.plain_accuracy == rate(3, 4)
    assert found.robust_drop == 0, "one called wrong of four, and one without the trigger"
    broken = attack_numbers(trial, calls, plain, ints(0, 0, 2, 2), "bird")
    assert broken.asr is None and broken.robust_drop is None and broken.refused == 0


def test_where_each_image_has_a_target_of_its_own_it_is_held_against_that() -> None:
    trial = Trial("patch", "badnets", "backdoor", None, X, X, ints(0, 1, 2, 0), targets=ints(1, 2, 0, 1))
    found = attack_numbers(trial, ints(1, 2, 0, 0), ints(0, 1, 2, 2), ints(0, 1, 2, 1), None)
    assert found.asr == rate(3, 4) and found.ra == rate(1, 4) and found.plain_accuracy == rate(3, 4)
    baseline = attack_numbers(trial, ints(0, 1, 2, 1), ints(0, 1, 2, 1), ints(0, 1, 2, 1), None)
    assert baseline.asr == rate(1, 4) and baseline.target is None


def test_pictures_count_as_turned_only_where_the_clean_model_did_not_err() -> None:
    trial = Trial("mislabel", "mislabel", "targeted", 1, X, None, ints(0, 0, 0, 0))
    found = attack_numbers(trial, ints(1, 1, 1, 0), None, ints(1, 0, 0, 0), "bird")
    assert found.asr == rate(3, 4) and found.turned == rate(2, 4) and found.plain_accuracy is None


def test_an_untargeted_attack_has_no_success_rate() -> None:
    trial = Trial("flip", "label_flip", "untargeted", None, X[:0], None, ints())
    found = attack_numbers(trial, ints(), None, ints(), None)
    assert found.asr is None and found.ra is None and found.turned is None


def test_canaries_are_counted_and_the_missed_ones_named() -> None:
    answers = canary_numbers(ints(0, 1), ints(0, 2), ("a", "b"), CLASSES)
    assert answers.right == rate(1, 2) and answers.balanced == 0.5
    assert answers.misses[0].model_dump() == {"id": "b", "expected": "bird", "got": "cat"}


def test_der_compares_with_the_victim() -> None:
    (found,) = with_der((backdoor((10, 100)),), (backdoor((90, 100)),), 0.02)
    assert found.der == pytest.approx((0.8 - 0.02 + 1) / 2)


def test_a_detector_is_held_against_the_truth_by_attack() -> None:
    attack_of = np.array([0, 0, 0, 0, 1, 1, 2, 2], np.int8)
    flagged = np.array([1, 0, 0, 0, 1, 1, 1, 0], bool)
    scores = np.array([9, 1, 1, 1, 8, 8, 8, 0], float)
    found = detector_numbers("d", "k", flagged, scores, ints(0, 0, 1, 1, 0, 1, 1, 1), attack_of, ("a", "b"))
    assert found.tpr == rate(3, 4) and found.fpr == rate(1, 4)
    assert found.least_left == rate(1, 2)
    assert found.precision == 0.75 and found.f1 == pytest.approx(0.75)
    assert found.by_attack == {"a": rate(2, 2), "b": rate(1, 2)}
    assert found.auroc_by_attack == {"a": 0.75, "b": pytest.approx(3 / 8)}


def test_a_clean_set_has_a_false_positive_rate_only() -> None:
    flagged, scores = np.array([1, 0], bool), np.array([1.0, 0.0])
    found = detector_numbers("d", "k", flagged, scores, ints(0, 1), np.zeros(2, np.int8), ())
    assert found.fpr == rate(1, 2) and found.tpr.value is None and found.least_left == rate(0, 1)
    assert found.precision is found.f1 is found.auroc is found.ap is None


def test_a_detector_that_flags_nothing_has_an_f1_of_0() -> None:
    none, attack_of = np.zeros(2, bool), np.array([0, 1], np.int8)
    found = detector_numbers("d", "k", none, np.zeros(2), ints(0, 0), attack_of, ("a",))
    assert found.precision is None and found.f1 == 0
