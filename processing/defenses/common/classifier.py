"""A cheap classifier on features that a victim gives: multinomial logistic regression, and how good it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from boomerang.blocks import slices
from boomerang.manifest import Labels, Rows
from processing.defenses.common.base import Features
from processing.defenses.common.estimators import fitting
from processing.defenses.common.neighbors import mean_of
from processing.defenses.common.whitening import Matrix

_BLOCK_ROWS = 4096
_MOST_STEPS = 300
_MOST_LOSS = 14.0  # a probability of about one in a million

Measure = Literal["loss", "accuracy"]


@dataclass(frozen=True)
class Classifier:
    """A multinomial logistic regression on features as they are.

    Attributes
    ----------
    labels : int64[k]
        Those it knows.
    weights : float64[D, k]
    offsets : float64[k]
    """

    labels: Labels
    weights: Matrix
    offsets: Matrix

    def answers(self, features: Features, rows: Rows, classes: int) -> Matrix:
        """Return float64[n, K], class probabilities of rows of float32[N, D]; 0 for unknown labels."""
        out = np.zeros((len(rows), classes))
        for part in slices(len(rows), _BLOCK_ROWS):
            logits = features[rows[part]].astype(np.float64) @ self.weights + self.offsets
            odds = np.exp(logits - logits.max(1, keepdims=True))
            out[part, self.labels] = odds / odds.sum(1, keepdims=True)
        return out


def fitted(features: Features, rows: Rows, y: Labels, seed: int) -> Classifier:
    """Return the classifier that some rows, at least one, of float32[N, D] give, with labels int64[n]."""
    from sklearn.linear_model import LogisticRegression

    labels = np.unique(y)
    if len(labels) < 2:
        return Classifier(labels, np.zeros((features.shape[1], 1)), np.zeros(1))
    points = features[rows].astype(np.float64)
    mean = mean_of(features, rows)
    points -= mean
    spread = points.std(0)
    scale = np.where(spread > 1e-6 * np.abs(mean), spread, np.inf)  # what never varies tells nothing
    points /= scale
    with fitting():
        found = LogisticRegression(max_iter=_MOST_STEPS, random_state=seed).fit(points, y)
    coefficients, offsets = found.coef_, found.intercept_
    if len(labels) == 2:  # of two classes scikit-learn gives the second one's log odds
        coefficients, offsets = (np.concatenate([np.zeros_like(a), a]) for a in (coefficients, offsets))
    weights = (coefficients / scale).T
    return Classifier(labels, weights, offsets - mean @ weights)


def harm(classifier: Classifier, features: Features, y: Labels, measure: Measure) -> float:
    """Return how badly a classifier calls rows whose labels are right: lower is better.

    Parameters
    ----------
    classifier : Classifier
    features : float32[n, D], n > 0
    y : int64[n]
    measure : {'loss', 'accuracy'}
        The mean -log of the probability of their labels, of each row 14 at most, so that no single one
        decides; or the share that it calls otherwise.
    """
    classes = 1 + max(int(y.max()), int(classifier.labels.max()))
    answers = classifier.answers(features, np.arange(len(y)), classes)
    if measure == "accuracy":
        return float((answers.argmax(1) != y).mean())
    own = answers[np.arange(len(y)), y]
    return float(np.minimum(-np.log(np.maximum(own, 1e-300)), _MOST_LOSS).mean())
