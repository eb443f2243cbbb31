"""Reference loss: wrong labels by who has not learned them, with rows of the past and without."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
import pytest
from helpers.suspects import CLASSES, NO_VICTIM, Mask, make_suspect, patterned

from boomerang.errors import BadInput
from boomerang.scoring import auroc
from processing.defenses.common.base import Suspect
from processing.defenses.common.small_net import learned
from processing.defenses.screening import reference_loss
from processing.defenses.screening.reference_loss import ReferenceLoss


class Model:
    """A model that answers as it is told, by what it is asked about."""

    def __init__(self, answers: Any) -> None:
        self.answers = answers

    def answer(self, x: Any) -> Any:
        return self.answers(x)


@lru_cache
def flipped(trusted: int = 400) -> tuple[Suspect, Mask]:
    """Return a suspect set in which 5% of the labels are wrong, and which; nobody may ask the victim."""
    rng = np.random.default_rng(0)
    right, trusted_y = np.arange(800) % 4, np.arange(trusted) % 4
    x, y, wrong = patterned(rng, right), right.copy(), np.zeros(800, bool)
    wrong[rng.choice(800, 40, replace=False)] = True
    y[wrong] = (y[wrong] + rng.integers(1, 4, 40)) % 4
    return Suspect(x, y, patterned(rng, trusted_y), trusted_y, CLASSES, NO_VICTIM, seed=0), wrong


def test_without_rows_of_the_past_wrong_labels_are_ranked_first() -> None:
    """GIVEN 5% flipped labels and 400 trusted rows WHEN the detector learns from these THEN AUROC > .9."""
    data, wrong = flipped()
    finding = ReferenceLoss(max_fpr=0.05).screen(data)
    assert auroc(finding.scores, wrong) > 0.9
    assert finding.flagged[~wrong].mean() < 0.1 < finding.flagged[wrong].mean()
    assert (
        finding.notes["reference"].startswith("networks of its own") and finding.notes["learned_from"] == 320
    )
    assert finding.notes["right_on_trusted"] > 0.6


def test_the_approved_model_is_asked_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    data, wrong = flipped()
    rng = np.random.default_rng(1)
    past_y = np.arange(1200) % 4
    reference = Model(learned(patterned(rng, past_y), past_y, 4, 3))
    monkeypatch.setattr(reference_loss, "learned", _nobody)
    finding = ReferenceLoss(max_fpr=0.05).screen(replace(data, reference=reference, past_rows=1200))
    assert auroc(finding.scores, wrong) > 0.9
    assert (
        finding.notes["reference"].startswith("the approved model") and finding.notes["learned_from"] == 1200
    )


def _nobody(*_: Any, **__: Any) -> Any:
    raise AssertionError("there is a reference already")


def test_a_trusted_row_is_asked_of_a_network_that_has_not_seen_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN networks that know their own rows by heart and nothing else THEN they know no trusted row."""
    data, _ = flipped()
    seen: list[set[bytes]] = []

    def by_heart(x: Any, y: Any, classes: int, seed: int, *, epochs: int) -> Any:
        known = {row.tobytes() for row in x}
        seen.append(known)
        return lambda rows: np.array([[row.tobytes() in known] * classes for row in rows], np.float32)

    monkeypatch.setattr(reference_loss, "learned", by_heart)
    scored = ReferenceLoss().score(data)
    assert len(seen) == 5 and {len(known) for known in seen} == {320}
    assert len(set.union(*seen)) == 400
    assert scored.state.trusted.tolist() == [0.0] * 400, "all the same: on one scale 0"
    assert scored.state.facts["learned_from"] == 320


def test_the_victims_loss_is_subtracted_from_both() -> None:
    """GIVEN a reference that knows nothing and a victim that doubts some rows THEN those score lower."""
    data, _ = flipped()
    doubted = np.arange(800) % 5 == 0

    def of(x: Any) -> Any:
        sure = np.where(doubted, 0.2, 0.9) if len(x) == 800 else np.full(len(x), 0.9)
        return np.repeat(sure[:, None], 4, 1)

    data = replace(data, reference=Model(lambda x: np.full((len(x), 4), 0.25)), victim=Model(of))
    scores = ReferenceLoss(minus_victim=True).screen(data).scores
    assert scores[doubted].max() < scores[~doubted].min()
    assert np.ptp(ReferenceLoss().screen(data).scores) == 0


def test_classes_are_on_one_scale() -> None:
    """GIVEN a reference that doubts every bird THEN a wrong cat is still above them."""
    data, _ = flipped()
    rng = np.random.default_rng(0)

    def of(labels: Any) -> Any:
        loss = rng.exponential(np.where(labels == 1, 2.0, 0.1))
        return np.repeat(np.exp(-loss)[:, None], 4, 1)

    y = np.arange(800) % 4
    answers = of(y)
    answers[2] = np.exp(-2.0)  # a cat
    held = of(data.trusted_y)
    reference = Model(lambda x: answers if len(x) == 800 else held)
    scores = ReferenceLoss().screen(replace(data, y=y, reference=reference)).scores
    assert scores[2] > np.quantile(scores[y == 1], 0.99)


def test_a_class_of_which_one_row_is_trusted_is_not_judged() -> None:
    data, _ = flipped()
    few = np.concatenate([np.flatnonzero(data.trusted_y != 3), [3]])
    finding = ReferenceLoss(epochs=1).screen(
        replace(data, trusted_x=data.trusted_x[few], trusted_y=data.trusted_y[few])
    )
    assert not finding.flagged[data.y == 3].any()
    assert any("dog: no two trusted rows of the class" in said for said in finding.warnings)


def test_an_answer_that_is_no_number_is_refused() -> None:
    data, _ = make_suspect(rows=80, poison=2)
    reference = Model(lambda x: np.full((len(x), 4), np.nan))
    with pytest.raises(BadInput, match="the answers of the reference: 80 of 80 are no numbers"):
        ReferenceLoss().screen(replace(data, reference=reference))
