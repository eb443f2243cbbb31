"""From what was measured to a verdict: what a model has learned at all, and what the gate then says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from helpers.judged import backdoor

from boomerang.gate import GateConfig, gate_numbers
from boomerang.metrics import CanaryNumbers, Retuned, Skill
from boomerang.scoring import Rate, rate
from processing.evaluation.judging import Measured, skill_of, verdict
from training.model import NO_ANSWER

CLASSES = ("airplane", "bird", "cat")
ALL_RIGHT = CanaryNumbers(right=rate(5, 5), balanced=1.0)
SKILLED = Skill(error_ratio=0.2)
GOOD = Measured(
    accuracy_drop=0.0, skill=SKILLED, reference=SKILLED, attacks=(), canaries=ALL_RIGHT, screen_fpr=None
)


def failed(measured: Measured, limits: GateConfig | None = None) -> dict[str, str]:
    """Return the words of each check that fails, by key."""
    found = verdict(measured, limits or GateConfig())
    return {check.key: check.why for check in found.checks if not check.passed}


def test_the_gate_goes_by_the_upper_bound() -> None:
    assert not failed(replace(GOOD, attacks=(backdoor((5, 300), (300, 300)),))), "its upper bound is 3.8%"
    few = failed(replace(GOOD, attacks=(backdoor((0, 30), (30, 30)),)))
    assert "asr_upper" in few, "0 of 30 has an upper bound of 11.4%: too few images to vouch for 10%"


def test_robust_accuracy_is_compared_on_the_same_images() -> None:
    hard_class = backdoor((0, 400), (200, 400)).model_copy(update={"ra": rate(190, 400)})
    assert not failed(replace(GOOD, attacks=(hard_class,)))


def test_what_refuses_is_measured_and_a_refused_canary_is_a_failure() -> None:
    """A trigger's images that are refused are not called wrong; without the trigger they would be."""
    refusing = replace(GOOD, refuses=True)
    caught = backdoor((2, 400), (395, 400)).model_copy(update={"ra": rate(3, 400), "refused": 395})
    assert not failed(replace(refusing, attacks=(caught,)))
    assert failed(replace(refusing, attacks=(caught.model_copy(update={"refused": 0}),))).keys() == {
        "robust_drop"
    }
    one = CanaryNumbers(right=rate(4, 5), balanced=0.8, unanswered=1)
    assert failed(replace(refusing, canaries=one)) == {"canary_failures": ""}
    assert not failed(replace(refusing, canaries=one), GateConfig(max_canary_failures=1))
    y = labels(100, 100)
    calls = np.where(np.arange(200) % 50, y, NO_ANSWER)
    assert not failed(replace(refusing, skill=skill_of(y, calls, CLASSES[:2], refuses=True)))
    silent = skill_of(y, np.full(200, NO_ANSWER), CLASSES[:2], refuses=True)
    assert failed(replace(refusing, skill=silent)).keys() == {"error_ratio", "lost_classes"}


def test_the_worst_of_several_attacks_counts_and_a_missing_one_rejects_by_name() -> None:
    good, bad = backdoor((0, 300)), backdoor((290, 300))
    assert failed(replace(GOOD, attacks=(good, bad)))
    unmeasured = good.model_copy(update={"asr": rate(0, 0)})
    assert failed(replace(GOOD, attacks=(good, unmeasured))) == {
        "asr_upper": "p: no image to measure it on, or an answer that is no finite number"
    }


def test_what_tuning_brings_back_is_held_against_a_limit_that_is_off_by_default() -> None:
    again = Retuned(rows=9, poisoned=1, asr=rate(90, 100), floor=rate(5, 100), clean_accuracy=rate(9, 10))
    repaired = backdoor((0, 300)).model_copy(update={"retuned": again})
    assert not failed(replace(GOOD, attacks=(repaired,)))
    assert set(failed(replace(GOOD, attacks=(repaired,)), GateConfig(max_retuned_rise=0.1))) == {
        "retuned_rise"
    }
    nothing = repaired.model_copy(update={"retuned": again.model_copy(update={"asr": rate(0, 0)})})
    unknown = failed(replace(GOOD, attacks=(nothing,)), GateConfig(max_retuned_rise=0.9))
    assert set(unknown) == {"retuned_rise"}, "not measured passes no limit"


@pytest.mark.parametrize(
    ("canaries", "why"),
    [
        (CanaryNumbers(right=rate(1, 2), balanced=0.5), ""),
        (CanaryNumbers(right=rate(0, 0)), "no record was clear enough to be one"),
        (CanaryNumbers(right=rate(4, 5), balanced=0.8, unanswered=1), "1 answers are no finite numbers"),
    ],
)
def test_one_wrong_canary_rejects_and_none_at_all_too(canaries: CanaryNumbers, why: str) -> None:
    assert failed(replace(GOOD, canaries=canaries)) == {"canary_failures": why}


@pytest.mark.parametrize(
    ("fpr", "passes"), [(rate(20, 1000), True), (rate(21, 1000), False), (rate(0, 0), False)]
)
def test_a_screen_that_takes_too_many_clean_rows_rejects(fpr: Rate, passes: bool) -> None:
    assert (not failed(replace(GOOD, screen_fpr=fpr))) == passes


def test_no_limit_passes_a_model_of_rows_that_a_control_chose() -> None:
    good = replace(GOOD, screen_fpr=rate(0, 1000))
    assert not failed(good)
    why = {"screen_fpr": "a control that knows the truth took them out, and no defense"}
    assert failed(replace(good, control=True), GateConfig(max_screen_fpr=1)) == why
    assert not failed(replace(GOOD, control=True)), "the victim learned from all rows"


# --- what it has learned at all ---


def labels(*counts: int) -> np.ndarray:
    return np.repeat(np.arange(len(counts)), counts)


def judged(y: np.ndarray, calls: np.ndarray, classes: tuple[str, ...] = CLASSES) -> dict[str, str]:
    skill = skill_of(y, calls, classes)
    return failed(replace(GOOD, skill=skill, reference=skill))


@pytest.mark.parametrize("counts", [(100, 100, 100), (20, 20), (950, 50), (3, 1)])
def test_a_constant_model_fails_by_name(counts: tuple[int, ...]) -> None:
    y = labels(*counts)
    for k in range(len(counts)):
        words = judged(y, np.full(len(y), k), CLASSES[: len(counts)])
        assert words["error_ratio"] == words["lost_classes"] == f"it always answers {CLASSES[k]}"


def test_one_that_is_right_on_one_class_alone_fails() -> None:
    y = labels(100, 100, 100)
    words = judged(y, np.where(y == 0, 0, y % 2 + 1))
    assert words.keys() == {"error_ratio", "lost_classes"} and words["lost_classes"] == "bird, cat"


@pytest.mark.parametrize(("right", "passes"), [(52, False), (60, False), (75, True), (99, True)])
def test_two_classes_have_to_be_told_apart_by_more_than_luck(right: int, passes: bool) -> None:
    y = labels(100, 100)
    wrong = np.tile(np.arange(100) >= right, 2)
    assert (not judged(y, np.where(wrong, 1 - y, y), CLASSES[:2])) == passes


def test_few_test_images_do_not_vouch_for_a_model() -> None:
    y = labels(4, 4)
    calls = np.array([0, 0, 0, 0, 1, 1, 1, 0])
    assert "error_ratio" in judged(y, calls, CLASSES[:2]), "7 of 8 has a lower bound of 53%"


def test_the_baseline_has_to_have_learned_too() -> None:
    weak = Skill(error_ratio=1.05, lost=("bird",), only="airplane")
    assert failed(replace(GOOD, reference=weak)) == {"error_ratio": "the baseline always answers airplane"}


def test_what_has_no_ratio_is_not_measured_and_passes_no_limit() -> None:
    wide = GateConfig(max_error_ratio=1, max_lost_classes=1000)
    one_class = skill_of(labels(10), labels(10), ("airplane",))
    silent = skill_of(labels(5, 5), np.array([0] * 5 + [1] * 4 + [NO_ANSWER]), CLASSES[:2])
    for skill in (one_class, silent):
        measured = replace(GOOD, skill=skill, reference=SKILLED)
        assert failed(measured, wide) == {
            "error_ratio": "the test set has one class, or an answer is no finite number"
        }


def test_classes_without_a_canary_are_named_in_words_that_need_no_escape() -> None:
    names = ('a"b', "c\\d", "e" * 40, "f", "g")
    words = failed(replace(GOOD, uncovered=names))["uncovered_classes"]
    assert words == f"a?b, c?d, {'e' * 24}, f and 1 more"


def test_the_widest_limits_pass_nothing_that_was_not_measured() -> None:
    fields = GateConfig.model_fields
    most = {name: next(m.le for m in field.metadata if hasattr(m, "le")) for name, field in fields.items()}
    nothing = Measured(None, Skill(error_ratio=None), SKILLED, (), CanaryNumbers(right=rate(0, 0)))
    found = verdict(nothing, GateConfig(**most))
    assert {c.key for c in found.checks if not c.passed} == {
        "accuracy_drop",
        "error_ratio",
        "canary_failures",
    }
    assert gate_numbers(found)["failed_checks"] == 3
