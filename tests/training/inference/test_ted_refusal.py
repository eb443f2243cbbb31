"""TED++ at inference: the screen's ranks in a graph, for the predicted class."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from helpers.asked import backdoored, drawn, patched

from boomerang.errors import BadInput, ConfigError
from training.inference.common.base import wrapped
from training.inference.common.ranks import Planes, known, tube
from training.inference.common.refusing import flat, numbers_of
from training.inference.ted_refusal import TedRefusal
from training.labeled import Labeled
from training.model import NO_ANSWER, calls_of, classifier, pooled_of, usual_layers

SUSPECT, _ = backdoored()
NETWORK: Any = SUSPECT.victim.network
TRUSTED = Labeled(SUSPECT.trusted_x, SUSPECT.trusted_y)
CLEAN = drawn(np.random.default_rng(7), np.arange(120) % 4)
ROWS, BAD = np.concatenate([CLEAN, patched(CLEAN)]), np.arange(240) >= 120


def by_numpy(x: np.ndarray) -> np.ndarray:
    """Return the scores as the screen works them out, in float64."""
    ask = classifier(NETWORK)
    right = ask(TRUSTED.x).argmax(1) == TRUSTED.y
    y, called, ranks, own = TRUSTED.y[right], ask(x).argmax(1), [], []
    for name in usual_layers(NETWORK):
        ((_, (near,)),) = pooled_of(NETWORK, [name])(TRUSTED.x[right])
        ((_, (asked,)),) = pooled_of(NETWORK, [name])(x)
        found = tube(near, y)
        ranks.append(found.ranks(asked, called))
        own.append(found.ranks_within())
    return Planes.of(np.stack(own, 1)[known(y, y)], 2).distances(np.stack(ranks, 1))


def test_the_score_is_the_screen_s_for_the_predicted_class() -> None:
    laid = flat(NETWORK)
    score, clean = TedRefusal().suspicion(laid, TRUSTED)
    ours, expected = numbers_of(laid.inputs[0], score, ROWS), by_numpy(ROWS)
    assert np.mean(np.isclose(ours, expected, atol=1e-4)) > 0.97, "but where two rows are as near"
    assert expected.std() > 0.05 and 0 < len(clean) <= len(TRUSTED.y)


def test_a_backdoor_that_was_learned_is_refused_and_clean_rows_are_not() -> None:
    whole = wrapped(NETWORK, [TedRefusal(frr=0.05)], TRUSTED)
    refused = calls_of(classifier(whole)(ROWS)) == NO_ANSWER
    right = NETWORK(CLEAN, training=False).numpy().argmax(1) == np.arange(120) % 4
    assert refused[BAD].mean() > 0.5 and refused[:120][right].mean() < 0.12


def test_a_class_of_which_two_rows_are_trusted_is_answered() -> None:
    rows = np.flatnonzero((TRUSTED.y != 2) | (np.cumsum(TRUSTED.y == 2) <= 2))
    few = Labeled(TRUSTED.x[rows], TRUSTED.y[rows])
    answers = classifier(wrapped(NETWORK, [TedRefusal(frr=0.05)], few))(ROWS)
    of_it = classifier(NETWORK)(ROWS).argmax(1) == 2
    assert of_it.any() and np.isfinite(answers[of_it]).all() and np.isnan(answers[~of_it]).any()


def test_what_it_cannot_compare_is_said() -> None:
    with pytest.raises(ConfigError, match=r"layer 'logit'.*none"):
        wrapped(NETWORK, [TedRefusal(layers=("logit", "features"))], TRUSTED)
    with pytest.raises(ConfigError, match="two layers and more"):
        wrapped(NETWORK, [TedRefusal(layers=("logits",))], TRUSTED)
    with pytest.raises(BadInput, match="no class three"):
        wrapped(NETWORK, [TedRefusal()], Labeled(TRUSTED.x[:4], TRUSTED.y[:4]))
