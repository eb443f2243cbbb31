"""In which directions rows point, layer by layer, beside clean rows of their class.

A row's vector is the gradient of the logit of its label by the output of a layer, averaged over positions.
The reference of a class is the mean vector of a few trusted rows that the victim calls by their label.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from boomerang.blocks import slices
from boomerang.errors import BadInput, ConfigError
from boomerang.manifest import Bools, Labels, Rows
from processing.defenses.common.base import Features, Scores, Suspect
from processing.defenses.common.scale import center_and_spread
from training.model import calls_of

Direction = npt.NDArray[np.float64]

ANOMALOUS = float(np.exp(2))
WIDE_GAP = 0.3
_LEAST_SPREAD = 1e-6
_BLOCK_ROWS = 4096


def cosines(vectors: Features, rows: Rows, direction: Direction) -> Scores:
    """Return float64[n], -1..1, the cosine of some rows of float32[N, D] to a direction, float64[D].

    Of a row or a direction without length it is 0.
    """
    found, length = np.zeros(len(rows)), float(np.linalg.norm(direction))
    for part in slices(len(rows), _BLOCK_ROWS):
        wide = vectors[rows[part]].astype(np.float64)
        lengths = length * np.linalg.norm(wide, axis=1)
        np.divide(wide @ direction, lengths, out=found[part], where=lengths > 0)
    return found.clip(-1, 1)


def mean_of(vectors: Features, rows: Rows) -> Direction:
    """Return float64[D], the mean of some rows of float32[N, D], at least one."""
    return np.asarray(vectors[rows].mean(0, dtype=np.float64))


@dataclass(frozen=True)
class Spread:
    """How far apart the directions of each class lie, layer by layer (Yuan et al. 2024, section 4).

    Attributes
    ----------
    gaps : float64[L, K], 0..2
        Root mean square difference of the cosines of the rows of a class to its reference and to the row
        that is farthest from it; NaN where there are fewer than two rows, or no reference.
    farthest : int64[L, K]
        The number of that row; -1 where there is none.
    """

    gaps: Scores
    farthest: Rows

    @cached_property
    def anomalies(self) -> Scores:
        """float64[L, K], 0 or more: robust z of each gap over the classes of its layer, one-sided."""
        found = np.zeros_like(self.gaps)
        for layer, gaps in enumerate(self.gaps):
            known = np.isfinite(gaps)
            if known.any():
                center, spread = center_and_spread(gaps[known])
                found[layer, known] = ((gaps[known] - center) / (spread + _LEAST_SPREAD)).clip(0)
        return found

    @cached_property
    def layer(self) -> int:
        """The number of the layer with the largest anomaly; of equals the first."""
        return int(self.anomalies.max(1).argmax())

    def targets(self) -> tuple[int, list[int]]:
        """Return a layer and the classes in it that the published rule finds poisoned.

        Those whose anomaly is at least e^2 in the layer with the largest one. Where there are none, those
        whose gap is above 0.3, in that of the last layers but one to three in which there are most of them.
        """
        found = np.flatnonzero(self.anomalies[self.layer] >= ANOMALOUS).tolist()
        late = list(range(len(self.gaps)))[-4:-1] or [0]
        wide = np.nan_to_num(self.gaps[late]) > WIDE_GAP
        if found or not wide.any():
            return self.layer, found
        most = int(wide.sum(1).argmax())
        return late[most], np.flatnonzero(wide[most]).tolist()


@dataclass(frozen=True)
class Directions:
    """The vectors of all rows, and the references.

    Attributes
    ----------
    suspect : Suspect
    layers : tuple of str
    vectors, trusted : list of float32[N, D] and of float32[M, D], one for each layer
    right : bool[M]
        Trusted rows that the victim calls by their label.
    references : mapping of int to int64[k]
        Trusted rows whose mean is the reference of a class; none of a class without right ones.
    """

    suspect: Suspect
    layers: tuple[str, ...]
    vectors: list[Features]
    trusted: list[Features]
    right: Bools
    references: dict[int, Rows]

    def reference(self, layer: int, label: int) -> Direction:
        """Return float64[D], the reference of a class that has one."""
        return mean_of(self.trusted[layer], self.references[label])

    def away(self, layer: int) -> Scores:
        """Return float64[N], 0..2: one less the cosine of each suspect row to its reference; NaN without."""
        found = np.full(len(self.suspect.y), np.nan)
        for label in self.references:
            rows = np.flatnonzero(self.suspect.y == label)
            found[rows] = 1 - cosines(self.vectors[layer], rows, self.reference(layer, label))
        return found

    def trusted_away(self, layer: int) -> Scores:
        """Return float64[M], the same of trusted rows, each by a reference that it is not part of.

        NaN where there is none: for the only row of a reference, too.
        """
        vectors, found = self.trusted[layer], np.full(len(self.suspect.trusted_y), np.nan)
        for label, reference in self.references.items():
            rows = np.flatnonzero(self.suspect.trusted_y == label)
            found[rows] = 1 - cosines(vectors, rows, self.reference(layer, label))
            for row in reference:
                others, found[row] = reference[reference != row], np.nan
                if len(others):
                    found[row] = 1 - cosines(vectors, np.array([row]), mean_of(vectors, others))[0]
        return found

    def spread(self) -> Spread:
        """Measure the gap of each class in each layer, from the rows that are left."""
        y, left = self.suspect.y, self.suspect.left
        gaps = np.full((len(self.layers), len(self.suspect.classes)), np.nan)
        farthest = np.full(gaps.shape, -1)
        for label in self.references:
            rows = np.flatnonzero((y == label) & left)
            for layer, vectors in enumerate(self.vectors if len(rows) > 1 else []):
                to_clean = cosines(vectors, rows, self.reference(layer, label))
                first = int(to_clean.argmin())
                apart = to_clean - cosines(vectors, rows, vectors[rows[first]].astype(np.float64))
                apart[first] = 0  # the row itself does not count
                gaps[layer, label], farthest[layer, label] = np.sqrt((apart**2).mean()), rows[first]
        return Spread(gaps, farthest)


def directions(suspect: Suspect, per_class: int) -> Directions:
    """Ask the victim for the vectors of all rows in all its convolutional layers, in one pass.

    Parameters
    ----------
    suspect : Suspect
    per_class : int
        Trusted rows of a reference, at most; they are drawn from `suspect.seed`.

    Raises
    ------
    ConfigError
        If the victim has no convolutional layer.
    BadInput
        If a gradient is not finite.
    """
    layers = suspect.victim.convolutions
    if not layers:
        do = "leave the detector out, or take another architecture"
        raise ConfigError("the victim model", "it has no convolutional layer to look at", do)
    ask = suspect.victim.slopes(layers)
    vectors, trusted = ask(suspect.x, suspect.y), ask(suspect.trusted_x, suspect.trusted_y)
    for layer, *both in zip(layers, vectors, trusted, strict=True):
        if not all(np.isfinite(each).all() for each in both):
            raise BadInput("the victim model", f"its gradients at '{layer}' are not finite", "train it anew")
    right = calls_of(suspect.victim.answer(suspect.trusted_x)) == suspect.trusted_y
    references = _references(suspect.trusted_y, right, per_class, suspect.seed)
    return Directions(suspect, layers, vectors, trusted, right, references)


def _references(y: Labels, right: Bools, per_class: int, seed: int) -> dict[int, Rows]:
    found = {}
    for label in np.unique(y[right]).tolist():
        rows = np.flatnonzero(right & (y == label))
        found[label] = np.sort(np.random.default_rng([seed, label]).permutation(rows)[:per_class])
    return found
