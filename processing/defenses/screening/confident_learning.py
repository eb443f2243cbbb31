"""Confident learning: a row that a classifier fitted without it gives another label is suspect."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from boomerang.manifest import Bools, Labels
from processing.defenses.common.base import Detector, Finding, Scored, Scores, Suspect
from processing.defenses.common.calibration import (
    Calibration,
    calibrated,
    flag_beyond,
    notes_of,
    unjudged_words,
)
from processing.defenses.common.classifier import fitted
from processing.defenses.common.estimators import draw, fold_numbers
from processing.defenses.common.finite import known_features
from processing.defenses.common.threshold import top_rows
from processing.defenses.common.whitening import Matrix

Joint = npt.NDArray[np.int64]

_FIT_ROWS = 20_000
_LEAST = 1e-300  # so that a logarithm is finite
_ALONE = "no two rows of the class are left to learn from"
_ONE_CLASS = "no other class has two rows left that it could be mistaken for"


@dataclass(frozen=True)
class Confident(Calibration):
    """What a threshold is set by, and what the published rule prunes by.

    Attributes
    ----------
    answers : float64[N, K]
        Out-of-fold class probabilities of the suspect rows.
    left : bool[N]
        Rows that thresholds and joint are learned from.
    """

    answers: Matrix
    left: Bools


class ConfidentLearning(Detector):
    """Out-of-fold class probabilities, and how little they say for the label that is given.

    A multinomial logistic regression on the victim's features (standardized, L2 with C = 1) is fitted on all
    folds but one of the suspect rows and gives that one's class probabilities. A row's score is, by `rank`,

    * `self-confidence`: -log p of its label, in the order of the paper's 1 - p, without its ties near 1;
    * `margin`: (1 - (p of its label - the largest p of another)) / 2, 0..1.

    As published (`rule = "paper"`): the threshold of a class is the mean probability of it over the rows that
    carry it; the confident joint counts rows with label i whose probability of j is above j's threshold, and
    the largest of those that are; made to add up to the rows of each label it estimates how many rows with
    label i belong to j. That many go, by `prune`:

    * `noise-rate`: of every pair i, j the rows with label i with the largest p_j - p_i;
    * `class`: of every class i as many as all its pairs say, those of the least p_i.

    It needs no trusted row, and where the classes overlap it takes clean rows from any set. With
    `rule = "trusted"` (default) the threshold is the order statistic of the trusted rows' scores that a
    further clean row exceeds with probability `max_fpr`. Trusted rows are never fitted on; each is asked of
    the classifier of one fold, as a suspect row is.

    A classifier is fitted on at most 20,000 rows, drawn by the seed. Rows of a class of which fewer than two
    are left, and rows of the only class, are not judged, and a warning says so.

    Attributes
    ----------
    rule : str
        `trusted` (ours) or `paper`.
    rank : str
        `self-confidence` or `margin`, see above.
    prune : str
        For `paper`: `noise-rate` or `class`, see above.
    folds : int
        How often a classifier is fitted.
    max_fpr : float
        For `trusted`: the share of clean rows that may be flagged, as far as they are like the trusted ones.
        Fewer than 1 / max_fpr - 1 trusted rows cannot tell, and nothing is flagged.
    """

    title: ClassVar[str] = "confident learning"
    source: ClassVar[str] = (
        "Northcutt, Jiang and Chuang 2021, Confident learning: estimating uncertainty in dataset labels, "
        "section 3"
    )
    assumes: ClassVar[str] = "a poisoned row looks like a class other than its label"
    costs: ClassVar[str] = (
        "one pass of the victim, then a logistic regression a fold; 1 / max_fpr trusted rows"
    )
    fails: ClassVar[str] = (
        "labels that the victim has learned by heart, for its features then agree with them; a trigger that "
        "is a class' feature to it; clean labels"
    )
    example: ClassVar[dict[str, Any]] = {"folds": 3}

    kind: Literal["confident_learning"] = "confident_learning"
    rule: Literal["trusted", "paper"] = "trusted"
    rank: Literal["self-confidence", "margin"] = "self-confidence"
    prune: Literal["noise-rate", "class"] = "noise-rate"
    folds: int = Field(default=5, ge=2)
    max_fpr: float = Field(default=0.005, gt=0, lt=1)

    def score(self, suspect: Suspect) -> Scored[Confident]:
        """Ask of every row a classifier fitted without it; raises BadInput where features are no numbers."""
        known_features(suspect)
        answers, trusted_answers = self._answers(suspect)
        y, left = suspect.y, suspect.left
        many = np.bincount(y[left], minlength=len(suspect.classes)) >= 2
        judged = many if many.sum() >= 2 else np.zeros_like(many)
        scores = np.where(judged[y], self._rank(answers, y), np.nan)
        held = np.where(
            judged[suspect.trusted_y], self._rank(trusted_answers, suspect.trusted_y), np.nan
        )  # of a class that is not judged nothing is told by trusted rows either
        unjudged = np.unique(y[~judged[y]]).tolist()
        why = {label: _ONE_CLASS if many[label] else _ALONE for label in unjudged}
        facts = {"rank": self.rank}
        found = calibrated(suspect, scores, held, why, facts)
        return Scored(found.scores, Confident(**vars(found.state), answers=answers, left=left & judged[y]))

    def decide(self, scored: Scored[Confident]) -> Finding:
        """Flag the rows that trusted rows do not resemble, or what the confident joint counts."""
        state = scored.state
        if self.rule == "trusted":
            return flag_beyond(Scored(scored.scores, state), self.max_fpr)
        flagged = np.zeros(len(scored.scores), bool)
        rows = np.flatnonzero(state.left)
        answers, y = state.answers[rows], state.y[rows]
        joint = confident_joint(answers, y, thresholds(answers, y))
        wrong = calibrated_counts(joint, np.bincount(y, minlength=len(joint)))
        prune = by_noise_rate if self.prune == "noise-rate" else by_class
        flagged[rows[prune(answers, y, wrong)]] = True
        notes = {"rule": self.rule, "prune": self.prune, "confident_joint": joint.tolist()}
        found = notes | notes_of(state, flagged)
        return Finding(scored.scores, flagged, notes=found, warnings=unjudged_words(state))

    def _rank(self, answers: Matrix, y: Labels) -> Scores:
        own = answers[np.arange(len(y)), y]
        if self.rank == "self-confidence":
            return np.asarray(-np.log(np.maximum(own, _LEAST)))
        others = answers.copy()
        others[np.arange(len(y)), y] = 0
        return np.asarray((1 - (own - others.max(1))) / 2)

    def _answers(self, suspect: Suspect) -> tuple[Matrix, Matrix]:
        """Return float64[N, K] and float64[M, K]: each row asked of the classifier of its fold."""
        fold = fold_numbers(suspect.y, self.folds, suspect.seed)
        trusted_fold = fold_numbers(suspect.trusted_y, self.folds, suspect.seed)
        classes = len(suspect.classes)
        answers, trusted = np.zeros((len(fold), classes)), np.zeros((len(trusted_fold), classes))
        for number in range(self.folds):
            learned = draw(np.flatnonzero(suspect.left & (fold != number)), _FIT_ROWS, suspect.seed)
            if not len(learned):
                continue
            classifier = fitted(suspect.features, learned, suspect.y[learned], suspect.seed)
            for out, features, folds in (
                (answers, suspect.features, fold),
                (trusted, suspect.trusted_features, trusted_fold),
            ):
                rows = np.flatnonzero(folds == number)
                out[rows] = classifier.answers(features, rows, classes)
        return answers, trusted


def thresholds(answers: Matrix, y: Labels) -> Matrix:
    """Return float64[K], the mean probability of each class over the rows that carry its label.

    Infinite for a label that no row carries: nothing is confidently of it.
    """
    out = np.full(answers.shape[1], np.inf)
    for label in np.unique(y):
        out[label] = answers[y == label, label].mean()
    return out


def confident_joint(answers: Matrix, y: Labels, least: Matrix) -> Joint:
    """Return int64[K, K]: how many rows with label i are confidently of class j.

    Of the classes whose probability is at least their threshold a row is of that of the largest; it counts
    nowhere if there is none.

    Parameters
    ----------
    answers : float64[N, K]
    y : int64[N]
    least : float64[K]
        See `thresholds`.
    """
    classes = answers.shape[1]
    sure = np.where(answers >= least, answers, -1.0)
    counted = sure.max(1) >= 0
    places = y[counted] * classes + sure.argmax(1)[counted]
    return np.bincount(places, minlength=classes**2).reshape(classes, classes)


def calibrated_counts(joint: Joint, rows: Joint) -> Joint:
    """Return int64[K, K], rounded: the confident joint made to add up to the rows of each label, int64[K]."""
    counted = joint.sum(1)
    return np.asarray(np.rint(joint * (rows / np.maximum(counted, 1))[:, None]), np.int64)


def by_class(answers: Matrix, y: Labels, counts: Joint) -> Bools:
    """Return bool[N]: of every label the rows of the least probability, as many as are counted as others'."""
    own = answers[np.arange(len(y)), y]
    pruned = np.zeros(len(y), bool)
    for label in np.unique(y):
        rows = np.flatnonzero(y == label)
        wrong = int(counts[label].sum() - counts[label, label])
        pruned[top_rows(-own, rows, wrong / len(rows))] = True
    return pruned


def by_noise_rate(answers: Matrix, y: Labels, counts: Joint) -> Bools:
    """Return bool[N]: of every label i and class j the counted number of rows with the largest p_j - p_i."""
    own = answers[np.arange(len(y)), y]
    pruned = np.zeros(len(y), bool)
    for label, other in zip(*np.nonzero(counts), strict=True):
        if label != other:
            rows = np.flatnonzero(y == label)
            share = counts[label, other] / len(rows)
            pruned[top_rows(answers[:, other] - own, rows, share)] = True
    return pruned
