"""A poisoned training set: the clean rows and those of each attack, shuffled, and made as they are written.

Which row goes where is known beforehand; the images are made where they go, a stripe of the new file at a
time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from boomerang.blocks import let_go, rows_at_once, slices
from boomerang.formats.truth import Truth
from boomerang.manifest import Images, Labels, Rows
from processing.attacks.common.made import Made
from processing.attacks.common.pool import Batch, Props

# The rows of a stripe are gathered in the order in which they lie in the clean set. The wider the stripe, the
# more of them lie on one page.
STRIPE_BYTES = 64 << 20
# Rows that are gathered before what was read is let go of: the system maps a few pages around each.
_GATHERED = 1024


@dataclass(frozen=True)
class Poisoned:
    """A poisoned training set and the truth about it.

    Attributes
    ----------
    y : int64[N]
        The labels as the victim sees them.
    truth : Truth
        Of the same rows.
    kept : tuple of mappings of str to array
        What each attack made and needs again.
    sources : tuple of arrays
        The clean images, and those that each attack made.
    row : int64[N]
        Which image of its source each one is; `truth.attack_of` says of which.
    """

    y: Labels
    truth: Truth
    kept: tuple[Props, ...]
    sources: tuple[Images | Made, ...]
    row: Rows

    @property
    def x(self) -> Made:
        """uint8[N, H, W, C], 0..255, made when it is asked for."""
        return Made((len(self.row), *self.sources[0].shape[1:]), self._make)

    def write_images(self, out: Images) -> None:
        """Make all images in an array uint8[N, H, W, C], which may be mapped."""
        for part in slices(len(self.row), rows_at_once(out, STRIPE_BYTES)):
            self._fill(out[part], np.arange(part.start, part.stop))
            let_go(out)

    def _make(self, which: Rows) -> Images:
        out = np.empty((len(which), *self.sources[0].shape[1:]), np.uint8)
        self._fill(out, which)
        return out

    def _fill(self, out: Images, which: Rows) -> None:
        attack_of, row = self.truth.attack_of[which], self.row[which]
        for number in np.unique(attack_of):
            at = np.flatnonzero(attack_of == number)
            at = at[np.argsort(row[at], kind="stable")]
            for part in slices(len(at), _GATHERED):
                out[at[part]] = self.sources[number][row[at[part]]]
                self._let_go()

    def _let_go(self) -> None:
        for source in self.sources:
            if isinstance(source, np.ndarray):
                let_go(source)


def assemble(
    x: Images, y: Labels, batches: Sequence[Batch], audit: Mapping[str, Any], rng: np.random.Generator
) -> Poisoned:
    """Put the rows of all attacks into the training set, in a shuffled order.

    Parameters
    ----------
    x : uint8[N, H, W, C]
    y : int64[N]
        The clean training set.
    batches : sequence of Batch
        What each attack does to it; no row is replaced twice.
    audit : mapping
        What the truth says beyond the rows and their counts.
    rng : numpy.random.Generator
        Of the order.
    """
    before = len(y)
    total = before + sum(len(batch.x) - len(batch.replaced) for batch in batches)
    place = rng.permutation(total)  # where the row of the unshuffled result goes
    truth = Truth(
        attack_of=np.zeros(total, np.int8),
        y_true=np.empty(total, np.int64),
        origin=np.empty(total, np.int64),
        audit={"rows_before": before, "rows_after": total, **audit},
    )
    labels, row = np.empty(total, np.int64), np.empty(total, np.int64)
    clean = place[:before]
    labels[clean], row[clean], truth.y_true[clean], truth.origin[clean] = (
        y,
        np.arange(before),
        y,
        np.arange(before),
    )
    end = before
    for number, batch in enumerate(batches, 1):
        start, end = end, end + len(batch.x) - len(batch.replaced)
        at = place[np.concatenate([batch.replaced, np.arange(start, end)])]
        labels[at], row[at], truth.attack_of[at] = batch.y, np.arange(len(batch.x)), number
        truth.y_true[at], truth.origin[at] = batch.y_true, batch.origin
    kept = tuple(batch.kept for batch in batches)
    return Poisoned(labels, truth, kept, (x, *(batch.x for batch in batches)), row)
