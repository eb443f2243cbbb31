from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers.ranges import Range

from boomerang.formats.evaluation import Evaluation, open_evaluation
from pipelines.matrix.gathering import measured as made_here
from pipelines.matrix.gathering.measured import Measured, read_measured
from pipelines.matrix.quantities import (
    ACCURACY,
    ASR,
    CLEAN_RATE,
    CPU,
    DER,
    FIDELITY,
    FPR,
    INNOCENT,
    LEAST_CLASS,
    MEMORY,
    POISONING,
    PSNR,
    ROBUST,
    TPR,
    TRUSTED,
)
from pipelines.runs.records import load_execution


def measured(staged: Range) -> Measured:
    return read_measured(load_execution(staged.first.folder))


def test_what_a_run_measured_is_what_its_metrics_say(digits_range: Range) -> None:
    found, metrics = measured(digits_range), digits_range.first.metrics
    hardened = metrics["models"]["hardened"]
    (attack,) = hardened["attacks"]
    (effect,) = found.effects.values()

    def counts(rate: dict[str, int]) -> tuple[int, int]:
        return rate["successes"], rate["total"]

    assert found.counts[ACCURACY] == counts(hardened["clean_accuracy"])
    assert effect.counts[ASR] == counts(attack["asr"])
    assert effect.counts[ROBUST] == counts(attack["ra"])
    assert effect.counts[CLEAN_RATE] == counts(metrics["models"]["baseline"]["attacks"][0]["asr"])
    assert effect.undefended == counts(metrics["models"]["victim"]["attacks"][0]["asr"])
    assert found.counts[TPR] == counts(metrics["screen"]["tpr"])
    assert found.counts[FPR] == counts(metrics["screen"]["fpr"])
    assert effect.values[DER] == attack["der"]


def test_how_visible_the_poison_is_comes_from_the_audit(digits_range: Range) -> None:
    found = measured(digits_range)
    (effect,), (words,) = found.effects.values(), found.evaluation.attacks
    assert effect.values[PSNR] == words.median_psnr_db is not None
    assert 5 < effect.values[PSNR] < 50


def test_an_attack_that_wants_no_answer_is_as_visible(
    digits_range: Range, monkeypatch: pytest.MonkeyPatch
) -> None:
    def without_success(folder: Path) -> Evaluation:
        found = open_evaluation(folder)
        models = {
            name: model.model_copy(update={"attacks": ()}) for name, model in found.metrics.models.items()
        }
        return replace(found, metrics=found.metrics.model_copy(update={"models": models}))

    (words,) = measured(digits_range).evaluation.attacks
    monkeypatch.setattr(made_here, "open_evaluation", without_success)
    untargeted = measured(digits_range)
    assert not untargeted.effects and untargeted.values[PSNR] == words.median_psnr_db


def test_fidelity_is_the_success_gone_times_the_accuracy_left(digits_range: Range) -> None:
    found, models = measured(digits_range), digits_range.first.metrics["models"]
    (effect,) = found.effects.values()
    before, after = (models[name]["attacks"][0]["asr"]["value"] for name in ("victim", "hardened"))
    left = models["hardened"]["clean_accuracy"]["value"] / models["victim"]["clean_accuracy"]["value"]
    assert np.isclose(effect.values[FIDELITY], np.clip((before - after) / before * left, 0, 1))


def test_pairs_are_of_the_same_images(digits_range: Range) -> None:
    found = measured(digits_range)
    (effect,) = found.effects.values()
    for pairs, counts in ((found.pairs, found.counts), (effect.pairs, effect.counts)):
        for key, (mine, other) in pairs.items():
            assert mine.shape == other.shape == (counts[key][1],)
            assert int(mine.sum()) == counts[key][0]
    assert int(effect.pairs[ASR][1].sum()) == effect.undefended[0]


def test_rows_and_costs_are_those_of_screening_and_hardening(digits_range: Range) -> None:
    found, metrics = measured(digits_range), digits_range.first.metrics
    steps = [digits_range.first.step(name) for name in ("Screen", "Harden")]
    assert np.isclose(found.values[CPU], sum(step["cpu_seconds"] for step in steps))
    assert np.isclose(found.values[POISONING], digits_range.first.step("Poison")["cpu_seconds"])
    assert np.isclose(found.values[MEMORY], max(step["peak_bytes"] for step in steps) / 1e6)
    assert found.values[TRUSTED] == 100, "the validation rows of the entry"
    assert 0 < found.values[LEAST_CLASS] <= metrics["data"]["rows"]["kept"] / 10
    flagged = metrics["data"]["rows"]["train"] - metrics["data"]["rows"]["kept"]
    wrong = (metrics["screen"]["fpr"]["successes"], flagged)
    assert found.counts.get(INNOCENT) == (wrong if flagged else None)
