"""A poisoned training set: the clean rows and those of each attack, shuffled, and made as they are written.

Which row goes where is known beforehand; the images are made where they go, a stripe of the new file at a
time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from boomerang.blocks import let_go, rows_at_once, slices
from boomerang.formats.truth import Truth
from boomerang.manifest import Images, Labels, Rows
from processing.attacks.common.made import Made
from processing.attacks.common.pool import Batch, Props

# The rows of a stripe are gathered in the order in which they lie in the clean set. The wider the stripe, the
# more of them lie on one page.
STRIPE_BYTES = 128 << 20
# Rows that are gathered before what was read is let go of: the system maps up to 2 MB around each.
_GATHERED = 128


@dataclass(frozen=True)
class Staged:
    """What one attack of a recipe does.

    Attributes
    ----------
    batch : Batch
    overwritten : int64[B]
        The rows of the clean training set in whose place it puts another image.
    entry : mapping
        Of the audit.
    """

    batch: Batch
    overwritten: Rows
    entry: Mapping[str, Any]


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
    changed : int64[B]
        The rows of the clean training set in whose place another image stands, in ascending order.
    """

    y: Labels
    truth: Truth
    kept: tuple[Props, ...]
    sources: tuple[Images | Made, ...]
    row: Rows
    changed: Rows

    @property
    def x(self) -> Made:
        """uint8[N, H, W, C], 0..255, made when it is asked for."""
        return Made((len(self.row), *self.sources[0].shape[1:]), self._make)

    def write_images(self, out: Images) -> None:
        """Make all images in an array uint8[N, H, W, C], which may be mapped."""
        write_images(out, self.sources, self.truth.attack_of, self.row)

    def _make(self, which: Rows) -> Images:
        out = np.empty((len(which), *self.sources[0].shape[1:]), np.uint8)
        _fill(out, self.sources, self.truth.attack_of[which], self.row[which])
        return out


def write_images(
    out: Images, sources: Sequence[Images | Made], source_of: npt.NDArray[np.int8], row: Rows
) -> None:
    """Write images of several sources into one array, a stripe of it at a time.

    Parameters
    ----------
    out : uint8[N, H, W, C]
        Written to; it may be mapped.
    sources : sequence of arrays
        uint8[.., H, W, C] each.
    source_of, row : int8[N], int64[N]
        Which source each image is of, and which image of it.
    """
    at_once = rows_at_once(out, STRIPE_BYTES)
    # A mapped file that is written to here and there costs a fault a page: a stripe is filled beside it.
    stripe = np.empty((min(at_once, len(row)), *out.shape[1:]), np.uint8)
    for part in slices(len(row), at_once):
        made = stripe[: part.stop - part.start]
        _fill(made, sources, source_of[part], row[part])
        out[part] = made
        let_go(out)


def _fill(out: Images, sources: Sequence[Images | Made], source_of: npt.NDArray[np.int8], row: Rows) -> None:
    for number in np.unique(source_of):
        at = np.flatnonzero(source_of == number)
        at = at[np.argsort(row[at], kind="stable")]
        for part in slices(len(at), _GATHERED):
            out[at[part]] = sources[number][row[at[part]]]
            for source in sources:
                if isinstance(source, np.ndarray):
                    let_go(source)


def assemble(x: Images, y: Labels, done: Sequence[Staged], rng: np.random.Generator) -> Poisoned:
    """Put the rows of all attacks into the training set, in a shuffled order.

    Parameters
    ----------
    x : uint8[N, H, W, C]
    y : int64[N]
        The clean training set.
    done : sequence of Staged
        What each attack does to it; no row is replaced twice.
    rng : numpy.random.Generator
        Of the order.
    """
    before, batches = len(y), [each.batch for each in done]
    total = before + sum(len(batch.x) - len(batch.replaced) for batch in batches)
    place = rng.permutation(total)  # where the row of the unshuffled result goes
    changed = np.sort(np.concatenate([np.empty(0, np.int64), *(each.overwritten for each in done)]))
    audit = {
        **{"rows_before": before, "rows_after": total},
        "overwritten": {"images": len(changed), "bytes": len(changed) * x[:1].size},
        "attacks": [each.entry for each in done],
    }
    labels, row, truth = _untouched(y, place, audit)
    end = before
    for number, batch in enumerate(batches, 1):
        start, end = end, end + len(batch.x) - len(batch.replaced)
        at = place[np.concatenate([batch.replaced, np.arange(start, end)])]
        labels[at], row[at], truth.attack_of[at] = batch.y, np.arange(len(batch.x)), number
        truth.y_true[at], truth.origin[at] = batch.y_true, batch.origin
    kept = tuple(batch.kept for batch in batches)
    return Poisoned(labels, truth, kept, (x, *(batch.x for batch in batches)), row, changed)


def _untouched(y: Labels, place: Rows, audit: dict[str, Any]) -> tuple[Labels, Rows, Truth]:
    """Return labels, rows and truth where no attack has been, and room for those that are appended."""
    total, clean = len(place), place[: len(y)]
    labels, row, y_true = (np.empty(total, np.int64) for _ in range(3))
    labels[clean] = y_true[clean] = y
    row[clean] = np.arange(len(y))
    stands_for = np.full(total, -1, np.int64)
    stands_for[clean] = np.arange(len(y))
    truth = Truth(
        attack_of=np.zeros(total, np.int8),
        y_true=y_true,
        origin=stands_for.copy(),
        stands_for=stands_for,
        audit=audit,
    )
    return labels, row, truth
