"""STRIP: its entropy by hand, a backdoor that was learned, and ART's beside it."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
from helpers.art_models import art
from helpers.asked import backdoored, drawn, patched

from boomerang.scoring import auroc
from training.inference.common.base import wrapped
from training.inference.common.refusing import flat, numbers_of
from training.inference.strip import Strip
from training.labeled import Labeled
from training.model import NO_ANSWER, calls_of, classifier

SUSPECT, _ = backdoored()
NETWORK: Any = SUSPECT.victim.network
TRUSTED = Labeled(SUSPECT.trusted_x, SUSPECT.trusted_y)
CLEAN = drawn(np.random.default_rng(7), np.arange(120) % 4)
ROWS, BAD = np.concatenate([CLEAN, patched(CLEAN)]), np.arange(240) >= 120


def scores(defense: Strip) -> Any:
    laid = flat(NETWORK)
    return numbers_of(laid.inputs[0], defense.suspicion(laid, TRUSTED)[0], ROWS)


@pytest.mark.parametrize("blend", ["sum", "mean"])
def test_the_score_is_the_mean_entropy_over_blends(blend: Any) -> None:
    defense = Strip(images=5, blend=blend, seed=3)
    over = TRUSTED.x[np.sort(np.random.default_rng(3).permutation(240)[:5])]
    share = 1.0 if blend == "sum" else 0.5
    mixed = np.minimum(np.round(share * (ROWS[:, None].astype(float) + over)), 255).astype(np.uint8)
    p = classifier(NETWORK)(mixed.reshape(-1, 12, 12, 3)).reshape(240, 5, -1).astype(float)
    expected = (p * np.log2(p + 1e-12)).sum(-1).mean(1)
    np.testing.assert_allclose(scores(defense), expected, atol=1e-4)


def test_a_backdoor_that_was_learned_is_refused_and_clean_rows_are_not() -> None:
    whole = wrapped(NETWORK, [Strip(frr=0.02, blend="mean")], TRUSTED)
    refused = calls_of(classifier(whole)(ROWS)) == NO_ANSWER
    assert refused[BAD].mean() > 0.5 and refused[~BAD].mean() < 0.08


def test_it_tells_more_than_art_s_and_takes_less_than_half_the_time() -> None:
    mean = Strip(images=20, blend="mean", frr=0.02)
    ask = classifier(wrapped(NETWORK, [mean], TRUSTED))
    ask(ROWS[:1])  # traced
    begun = time.perf_counter()
    ours = calls_of(ask(ROWS)) == NO_ANSWER
    ours_s = time.perf_counter() - begun
    wrapper = art("estimators.classification").TensorFlowV2Classifier(
        model=NETWORK, nb_classes=4, input_shape=(12, 12, 3), clip_values=(0, 255)
    )
    theirs = art("defences.transformer.poisoning").STRIP(wrapper)(num_samples=20, false_acceptance_rate=0.02)
    np.random.seed(0)
    theirs.mitigate(TRUSTED.x.astype(np.float32))
    begun = time.perf_counter()
    abstained = ~theirs.predict(ROWS.astype(np.float32)).any(1)
    assert ours_s < (time.perf_counter() - begun) / 2
    gained = [refused[BAD].mean() - refused[~BAD].mean() for refused in (ours, abstained)]
    assert gained[0] > gained[1] + 0.2
    worth = auroc(scores(mean), BAD)
    assert worth is not None and worth > 0.8
