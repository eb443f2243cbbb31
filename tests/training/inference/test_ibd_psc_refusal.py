"""IBD-PSC at inference: the screen's statistic for the predicted class, in the saved model."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from helpers.asked import backdoored, drawn, patched
from helpers.training_jobs import built

from boomerang.errors import ConfigError
from processing.defenses.screening.ibd_psc import IbdPsc as Screen
from training.inference.common.base import wrapped
from training.inference.common.refusing import flat, numbers_of
from training.inference.ibd_psc_refusal import IbdPscRefusal
from training.labeled import Labeled
from training.model import NO_ANSWER, calls_of, classifier

SUSPECT, _ = backdoored()
NETWORK: Any = SUSPECT.victim.network
TRUSTED = Labeled(SUSPECT.trusted_x, SUSPECT.trusted_y)
CLEAN = drawn(np.random.default_rng(7), np.arange(120) % 4)
ROWS, BAD = np.concatenate([CLEAN, patched(CLEAN)]), np.arange(240) >= 120


def test_the_score_is_the_screen_s_for_the_predicted_class() -> None:
    laid = flat(NETWORK)
    score, clean = IbdPscRefusal().suspicion(laid, TRUSTED)
    called = classifier(NETWORK)(ROWS).argmax(1)
    screened = Screen().score(replace(SUSPECT, x=ROWS, y=called))
    np.testing.assert_allclose(numbers_of(laid.inputs[0], score, ROWS), screened.scores, atol=1e-4)
    assert len(clean) == len(TRUSTED.y)


def test_a_backdoor_that_was_learned_is_refused_and_clean_rows_are_not() -> None:
    whole = wrapped(NETWORK, [IbdPscRefusal(frr=0.05)], TRUSTED)
    refused = calls_of(classifier(whole)(ROWS)) == NO_ANSWER
    assert refused[BAD].mean() > 0.3 and refused[~BAD].mean() < 0.12


def test_a_network_without_norms_is_refused() -> None:
    bare = built("lenet", (12, 12, 3), 4, batch_norm=False)
    with pytest.raises(ConfigError, match="no norms that could be amplified"):
        wrapped(bare, [IbdPscRefusal()], TRUSTED)
