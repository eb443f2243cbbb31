"""Reference loss: a row whose label a model out of the attacker's reach does not believe is suspect."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from boomerang.blocks import blocks
from boomerang.errors import BadInput
from boomerang.manifest import Bools, Images, Labels, Rows
from processing.defenses.common.base import Detector, Finding, Scored, Scores, Suspect, Victim
from processing.defenses.common.calibration import FOLDS, Calibration, calibrated, flag_beyond
from processing.defenses.common.estimators import fold_numbers
from processing.defenses.common.scale import center_and_tail, on_one_scale
from processing.defenses.common.small_net import Ask, Floats, learned

_TINY = float(np.finfo(np.float32).tiny)  # so that a logarithm is finite
_ALONE = "no two trusted rows of the class for a reference to learn from"
_APPROVED = "the approved model, which learned rows of the past alone"
_OWN = "networks of its own, each learned from the trusted rows but a fold"


@dataclass(frozen=True)
class Told:
    """What a reference says of rows.

    Attributes
    ----------
    suspect, trusted : float64[N], float64[M]
        The loss of the label that each row has.
    judged : bool[K]
        The classes that the reference can know.
    right : bool[M]
        The trusted rows whose label is what the reference says.
    facts : mapping
        Which reference it is.
    """

    suspect: Scores
    trusted: Scores
    judged: Bools
    right: Bools
    facts: dict[str, Any]


class ReferenceLoss(Detector):
    """The loss of a row's given label under a model that the attacker could not touch.

    The score is -log p of the label: who does not know the trigger sees that the label is wrong, in whatever
    class it is. Loss-based cleaning asks the model that learned the rows; this asks one that did not.

    The reference is the approved model, where the data has rows of the past (`data.history`): it has learned
    them and nothing else. Without them the detector makes its own from the trusted rows: a small network on
    pixels (`processing.defenses.common.small_net`), for the victim's features are poisoned. The trusted rows
    are dealt into five folds, and each of five networks learns four of them. A trusted row is asked of the
    one that has not seen it, and a suspect row of one of the five, by the seed; so both are measured alike.

    The threshold is the order statistic of the trusted rows' scores that a further clean row exceeds with
    probability `max_fpr`. Some classes are mistaken more often than others, so the scores of each are put on
    one scale by its trusted rows: their median is subtracted, and how far above it their 95th percentile lies
    divided by.

    What it is worth rises with what the reference knows. On CIFAR-10 (seed 0) the plain loss had an AUROC of
    .83-.90 on BadNets, blended and label noise with a network of 1,000 rows (.544 right), .93-.97 with one of
    5,000 (.684) and .97-.98 with one of 30,000 (.768); at 1% of clean rows it found .14-.29, .42-.58 and
    .57-.73 of them. On Fashion-MNIST with 1,000 trusted rows and networks of its own (.80-.83 right; seeds
    100 and 101) the AUROC was .98-1.0 on BadNets and blended at 1%; `max_fpr` = .005 found .15-.98 of them
    and took .001-.004 of the clean rows. So much hangs on a few trusted rows: rows of the past, or more
    trusted ones, make it steady.

    Attributes
    ----------
    minus_victim : bool
        Whether the victim's own loss is subtracted: it is low where the victim has learned a wrong label, and
        high where the row is hard. The victim has learned clean suspect rows and no trusted ones, so that
        these score lower than those, and more than `max_fpr` of the clean rows may be flagged.
    max_fpr : float
        The share of clean rows that may be flagged, as far as they are like the trusted ones. Fewer than
        1 / max_fpr - 1 trusted rows cannot tell, and nothing is flagged.
    epochs : int
        Of each network of its own.
    """

    title: ClassVar[str] = "reference loss"
    source: ClassVar[str] = "this project, 2026; cross-conformal thresholds as Vovk 2015"
    assumes: ClassVar[str] = "a poisoned row has a label that its picture does not show"
    costs: ClassVar[str] = (
        "one pass of the approved model, or without rows of the past five small networks of trusted rows, "
        "about a CPU-minute for 1,000 of 28x28; 1 / max_fpr trusted rows"
    )
    fails: ClassVar[str] = (
        "clean labels; where the reference knows its classes badly, for the rows that it is sure of wrongly "
        "then set the threshold"
    )
    example: ClassVar[dict[str, Any]] = {"epochs": 1}

    kind: Literal["reference_loss"] = "reference_loss"
    minus_victim: bool = False
    max_fpr: float = Field(default=0.005, gt=0, lt=1)
    epochs: int = Field(default=20, ge=1, le=10_000)

    def score(self, suspect: Suspect) -> Scored[Calibration]:
        """Ask the reference about the label of every row; raises BadInput where an answer is no number."""
        y, trusted_y = suspect.y, suspect.trusted_y
        told = (
            _by_approved(suspect, suspect.reference) if suspect.reference else _by_own(suspect, self.epochs)
        )
        scores, trusted = told.suspect, told.trusted
        if self.minus_victim:
            scores = scores - _losses("victim", suspect.victim.answer(suspect.x), y)
            trusted = trusted - _losses("victim", suspect.victim.answer(suspect.trusted_x), trusted_y)
        rows, held = told.judged[y], told.judged[trusted_y]
        scores[~rows] = np.nan
        scores[rows], trusted = on_one_scale(
            scores[rows], y[rows], trusted[held], trusted_y[held], center_and_tail
        )
        why = dict.fromkeys(np.flatnonzero(~told.judged).tolist(), _ALONE)
        right = round(float(told.right[held].mean()), 4) if held.any() else None
        facts = {**told.facts, "right_on_trusted": right}
        return calibrated(suspect, scores, trusted, why, facts)

    def decide(self, scored: Scored[Calibration]) -> Finding:
        """Flag the rows whose labels cost the reference more than those of trusted rows do."""
        return flag_beyond(scored, self.max_fpr)


def _by_approved(suspect: Suspect, reference: Victim) -> Told:
    """Ask the approved model, which has seen neither suspect nor trusted rows."""
    answers, y = reference.answer(suspect.trusted_x), suspect.trusted_y
    return Told(
        suspect=_losses("reference", reference.answer(suspect.x), suspect.y),
        trusted=_losses("reference", answers, y),
        judged=np.ones(len(suspect.classes), bool),
        right=answers.argmax(1) == y,
        facts={"reference": _APPROVED, "learned_from": suspect.past_rows},
    )


def _by_own(suspect: Suspect, epochs: int) -> Told:
    """Ask networks of trusted rows: a trusted row the one that has not seen it, a suspect row one of them."""
    y, trusted_y, classes = suspect.y, suspect.trusted_y, len(suspect.classes)
    judged = np.bincount(trusted_y, minlength=classes) >= 2
    part, fold = (fold_numbers(labels, FOLDS, suspect.seed) for labels in (y, trusted_y))
    asks, known = [], 0
    for number in range(FOLDS) if judged.any() else ():
        rows = np.flatnonzero(judged[trusted_y] & (fold != number))
        known, seed = len(rows), suspect.seed + number
        asks.append(learned(suspect.trusted_x[rows], trusted_y[rows], classes, seed, epochs=epochs))
    held = _answers(asks, suspect.trusted_x, fold, classes)
    return Told(
        suspect=_losses("reference", _answers(asks, suspect.x, part, classes), y),
        trusted=_losses("reference", held, trusted_y),
        judged=judged,
        right=held.argmax(1) == trusted_y,
        facts={"reference": _OWN, "learned_from": known},
    )


def _answers(asks: Sequence[Ask], x: Images, of: Rows, classes: int) -> Floats:
    """Return float32[n, K], the answer about each image of the one that int64[n] names; else ones."""
    answers = np.ones((len(x), classes), np.float32)
    for at, block in blocks(x):
        for number, ask in enumerate(asks):
            rows = of[at] == number
            answers[at][rows] = ask(block[rows])
    return answers


def _losses(whose: str, answers: Floats, y: Labels) -> Scores:
    """Return float64[n], minus the logarithm of what float32[n, K] gives the labels int64[n].

    Raises
    ------
    BadInput
        If an answer is not finite.
    """
    told = np.asarray(answers[np.arange(len(y)), y], np.float64)
    if not np.isfinite(told).all():
        why = f"{np.count_nonzero(~np.isfinite(told))} of {len(told)} are no numbers"
        raise BadInput(f"the answers of the {whose}", why, "train it anew")
    return np.asarray(-np.log(np.maximum(told, _TINY)))
