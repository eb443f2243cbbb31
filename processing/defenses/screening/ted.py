"""TED++: a trigger's row comes to its class on another way through the layers than clean rows do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from boomerang.errors import BadInput
from boomerang.manifest import Bools, Images
from processing.defenses.common.base import Detector, Features, Finding, Pooled, Scored, Suspect
from processing.defenses.common.flagging import Beside, by_quantile, by_trusted
from training.model import ranks, usual_layers

_FEW = f"less than {ranks.LEAST_ROWS} trusted rows of the class, so it flags nothing of it"


class Ted(Detector):
    """The ranks, layer by layer, of the nearest trusted row of a row's class.

    Mo et al. (TED) and Le et al. (TED++) follow a row through the layers. At each the trusted rows are
    ordered by their distance to it; the rank of the nearest one of its class is noted. TED++ notes the last
    rank if the row is farther from that nearest row than the nearer half of that row's class is. A principal
    component analysis of the trusted rows' own ranks says which sequences are usual: a row's score is its
    squared distance from the plane of the first `components` of them.

    What departs from the papers:

    * The class is the one of the given label, of a trusted row its own. The papers screen inputs at inference
      and look at the predicted one, and keep trusted rows only that are predicted rightly.
    * What comes out of a layer is averaged over its positions, where the papers compare all its numbers.
    * Ranks are from 0, the first, to 1, the last, however many rows are ranked. The papers' detector
      standardizes them and weighs distances along the components; ours is what is left beside them.
    * A trusted row is ranked among the others by radii that were found without it, and scored by components
      that were found without it, in five folds; a suspect row by the mean over the folds' components.
    * `rule = "trusted"` sets the threshold by these scores, so that a further clean row is above it with
      probability `max_fpr`. The paper takes `contamination` of the trusted rows to be outliers.

    Rows of a class with less than three trusted rows have no ranks: they score 0 and are not flagged.

    Attributes
    ----------
    rule : str
        `trusted` (ours) or `paper`.
    max_fpr : float
        For `trusted`: the share of clean rows that may be flagged, as far as they are like the trusted ones.
        Fewer than 1 / max_fpr - 1 trusted rows cannot tell, and nothing is flagged.
    contamination : float
        For `paper`: the share of trusted rows that score higher than the threshold.
    layers : list of str
        Names of layers of the network. If empty, those that the papers take: convolutions but those of one
        pixel, dense layers and activations, up to `logits`.
    components : int
        Principal components; always less than layers.
    """

    title: ClassVar[str] = "ranks through the layers (TED++)"
    source: ClassVar[str] = "Le et al. 2025, TED++, sections 4-5; Mo et al. 2024, TED (IEEE S&P)"
    assumes: ClassVar[str] = "poison is far from its class in some layers; five trusted rows a class and more"
    costs: ClassVar[str] = "one pass of the victim, and distances of every row to every trusted row per layer"
    fails: ClassVar[str] = "poison that is near its class in all layers, as clean-label poison can be"

    kind: Literal["ted"] = "ted"
    rule: Literal["trusted", "paper"] = "trusted"
    max_fpr: float = Field(default=0.005, gt=0, lt=1)
    contamination: float = Field(default=0.1, gt=0, lt=1)
    layers: tuple[str, ...] = ()
    components: int = Field(default=2, ge=1)

    def score(self, suspect: Suspect) -> Scored[Beside]:
        """Rank every row at every layer, and measure how unusual its ranks are.

        Raises
        ------
        ConfigError
            If the network has no layer of a name in `layers`.
        BadInput
            If what comes out of a layer is not finite.
        """
        layers = self.layers or usual_layers(suspect.victim.network)
        pooled = suspect.victim.pooled(layers)
        tubes = _tubes(pooled, layers, suspect)
        clean = np.stack([each.ranks_within() for each in tubes], axis=1)
        clean = clean[ranks.known(suspect.trusted_y, suspect.trusted_y)]
        reached = np.ones((len(suspect.y), len(layers)))
        for part, found in _finite(pooled, layers, suspect.x):
            for i, features in enumerate(found):
                reached[part, i] = tubes[i].ranks(features, suspect.y[part])
        planes = ranks.Planes.of(clean, min(self.components, len(layers) - 1))
        judged = ranks.known(suspect.y, suspect.trusted_y)
        scores = np.where(judged, planes.distances(reached), 0)
        notes = {
            "layers": list(layers),
            "trusted_ranks": clean.mean(0).round(4).tolist() if len(clean) else [],
        }
        warnings = _unjudged(suspect, judged)
        return Scored(scores, Beside(planes.own(clean), notes, warnings))

    def decide(self, scored: Scored[Beside]) -> Finding:
        """Flag the rows whose ranks are less usual than those of trusted rows are."""
        if self.rule == "paper":
            return by_quantile(scored, self.contamination)
        return by_trusted(scored, self.max_fpr)

    def needs(self, trusted: int, classes: int | None) -> tuple[str, ...]:
        """Return that classes without rows enough have no ranks, beside what any threshold needs."""
        few = classes is not None and trusted // classes < ranks.LEAST_ROWS
        return super().needs(trusted, classes) + ((f"every class: {_FEW}",) if few else ())


def _tubes(pooled: Pooled, layers: Sequence[str], suspect: Suspect) -> list[ranks.Tube]:
    """Return what is ranked among at each layer."""
    found = [each for _, each in _finite(pooled, layers, suspect.trusted_x)]
    if not found:
        return [ranks.tube(np.zeros((0, 1), np.float32), suspect.trusted_y)] * len(layers)
    return [ranks.tube(np.concatenate(parts), suspect.trusted_y) for parts in zip(*found, strict=True)]


def _finite(pooled: Pooled, layers: Sequence[str], x: Images) -> Iterator[tuple[slice, tuple[Features, ...]]]:
    """Give what comes out of the layers, batch by batch, if it is finite."""
    for part, found in pooled(x):
        for name, features in zip(layers, found, strict=True):
            if not np.isfinite(features).all():
                raise BadInput(
                    "the victim model", f"its layer '{name}' gives what is no number", "train it again"
                )
        yield part, found


def _unjudged(suspect: Suspect, judged: Bools) -> tuple[str, ...]:
    """Return of which classes nothing could have been flagged."""
    names = ", ".join(suspect.classes[label] for label in np.unique(suspect.y[~judged]))
    return (f"{names}: {_FEW}",) if names else ()
