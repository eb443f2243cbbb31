"""What a canary measures, on answers that are written by hand."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from boomerang.watching.briefing import CanarySettings, KnownProbes
from pipelines.watching.local_canary import reaches
from processing.attacks.common.trial import Trial
from processing.evaluation.canary_numbers import Records, data_of, measure

CLASSES = ("airplane", "bird", "cat")
DIGEST = "0" * 64
SETTINGS = CanarySettings(group="jets", version=1, model=DIGEST, canaries=DIGEST, baseline=1.0)


def records(*counts: int) -> Records:
    y = np.repeat(np.arange(len(counts)), counts)
    x = np.zeros((len(y), 2, 2, 3), np.uint8)
    return Records(x, y, tuple(f"records/{k}" for k in range(len(y))), CLASSES, DIGEST)


def answering(*calls: int) -> npt.NDArray[np.float32]:
    return np.eye(len(CLASSES), dtype=np.float32)[list(calls)]


def test_each_class_counts_the_same_in_what_is_published() -> None:
    found = measure(SETTINGS, records(4, 2, 1), lambda _: answering(0, 0, 0, 1, 1, 1, 2))
    assert (found.accuracy.successes, found.balanced) == (6, pytest.approx((0.75 + 1 + 1) / 3))
    published = {d.name: d.value for d in data_of(found) if dict(d.dimensions) == {"Group": "jets"}}
    assert published["CanaryAccuracy"] == found.balanced
    assert published["AccuracyDrop"] == pytest.approx(1 - found.balanced)


@pytest.mark.parametrize("constant", [0, 1, 2])
def test_a_constant_model_does_not_reach_the_floor(constant: int) -> None:
    """By the plain share it would: 16 of 18 records are of the first class."""
    found = measure(SETTINGS, records(16, 1, 1), lambda x: answering(*[constant] * len(x)))
    assert not reaches(found, 0.7) and found.balanced == pytest.approx(1 / 3)


def test_an_answer_that_is_no_number_is_wrong() -> None:
    answers = answering(0, 1, 2)
    answers[2] = np.nan
    assert measure(SETTINGS, records(1, 1, 1), lambda _: answers).balanced == pytest.approx(2 / 3)


def test_an_image_with_a_trigger_that_is_refused_is_no_success_of_the_attack() -> None:
    seen = records(4)
    probes = Trial("patch", "badnets", "backdoor", 1, seen.x, None, seen.y)
    answers = answering(1, 1, 0, 1)
    answers[1:] = np.nan
    told = SETTINGS.model_copy(update={"probes": {"patch": KnownProbes(digest=DIGEST)}})
    found = measure(told, seen, lambda _: answers, (probes,))
    assert (found.attacks["patch"].successes, found.attacks["patch"].total) == (1, 4)


def test_what_the_package_was_registered_with_is_published_as_it_stands() -> None:
    told = SETTINGS.model_copy(update={"flagged": 40, "certified": 149})
    for settings, certified in ((told, [149.0]), (SETTINGS, [])):
        data = data_of(measure(settings, records(1, 1, 1), lambda _: answering(0, 1, 2)))
        of_group = [(d.name, d.value) for d in data if dict(d.dimensions) == {"Group": "jets"}]
        assert dict(of_group)["FlaggedRows"] == settings.flagged
        assert [value for name, value in of_group if name == "CertifiedRows"] == certified
