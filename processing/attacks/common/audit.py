"""The audit of a recipe: what was done, as plain JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from boomerang.blocks import let_go, rows_at_once, slices
from boomerang.manifest import Images, Labels, Rows
from processing.attacks.common.base import Attack
from processing.attacks.common.deeds import Facts
from processing.attacks.common.pool import Batch, Pool, largest_change
from processing.attacks.common.references import cited
from processing.attacks.common.visibility import Doubles, psnr_db, ssim

# A trigger below this largest change, of 255, drowns in an image's own noise.
FAINT = 8
# PSNR and SSIM are of so many images at most, drawn from all that were made from a row: of a million they
# would take minutes.
COMPARED = 256
# Images that are compared at once: the system maps up to 2 MB around each.
_BLOCK_BYTES = 384 << 10


@dataclass(frozen=True)
class Change:
    """How the images of an attack differ from the rows that they were made from, or stand for.

    Attributes
    ----------
    largest : uint8[M]
        Of each image made from a row of the pool the largest change of any value, in the batch's order.
    psnr_db, ssim : float64[S]
        Of a sample of these images; S is the smaller of `COMPARED` and M.
    overwritten : int64[B]
        The rows in whose place another image stands, in ascending order.
    """

    largest: Images
    psnr_db: Doubles
    ssim: Doubles
    overwritten: Rows


def audit_entry(attack: Attack, batch: Batch, pool: Pool, change: Change | None = None) -> dict[str, Any]:
    """Return what an auditor wants to know of one attack, and `deed`, which says it to everybody else.

    The poisoning rate is given of each whole that the literature counts in: of the training set that
    came in, and of the class that the poison is labeled as.

    Parameters
    ----------
    attack, batch, pool : Attack, Batch, Pool
    change : Change, optional
        What `compare` found of them; without it, it is found here.

    Raises
    ------
    ConfigError
        If the attack cannot work with what it did to the images: see `Attack.check_change`.
    """
    poisoned, before = len(batch.x), len(pool.x)
    change = change or compare(batch, pool)
    attack.check_change(change.largest)
    return {
        "name": attack.name,
        "settings": attack.model_dump(mode="json"),
        "title": attack.title,
        "outcome": attack.outcome,
        "needs": list(attack.requires()),
        "filed_under": cited(attack.references),
        "deed": attack.deed(Facts(rows=poisoned, shows=pool.picture_labels)) + _delivered(attack),
        "poisoned": poisoned,
        "replaced": len(batch.replaced),
        "appended": poisoned - len(batch.replaced),
        "rate_of_train": poisoned / before if before else None,
        "labels_given": _by_class(batch.y, pool.classes),
        "labels_true": _by_class(batch.y_true, pool.classes),
        **_pixel_changes(attack, change),
    }


def _delivered(attack: Attack) -> str:
    return f" All of it came from {attack.supplier}." if attack.supplier else ""


def _by_class(y: Labels, classes: tuple[str, ...]) -> dict[str, int]:
    counts = np.bincount(y, minlength=len(classes))
    return {name: int(count) for name, count in zip(classes, counts, strict=True) if count}


def compare(batch: Batch, pool: Pool) -> Change:
    """Return how the images of a batch differ from the pool's, a block at a time."""
    made = np.flatnonzero(batch.origin >= 0)
    # An image that was made from another row than the one whose place it takes is held against both.
    moved = np.flatnonzero(batch.origin[: len(batch.replaced)] != batch.replaced)
    change = np.zeros(len(batch.x), np.uint8)
    change[made] = _largest_changes(batch, pool, made, batch.origin[made])
    largest = change[made]
    change[moved] = _largest_changes(batch, pool, moved, batch.replaced[moved])
    overwritten = batch.replaced[change[: len(batch.replaced)] > 0]
    return Change(largest, *_sampled(batch, pool, made), np.sort(overwritten))


def _largest_changes(batch: Batch, pool: Pool, rows: Rows, against: Rows) -> Images:
    change = np.empty(len(rows), np.uint8)
    for part in slices(len(rows), rows_at_once(pool.x, _BLOCK_BYTES)):
        change[part] = largest_change(pool.x[against[part]], batch.x[rows[part]])
        let_go(pool.x)
    return change


def _sampled(batch: Batch, pool: Pool, made: Rows) -> tuple[Doubles, Doubles]:
    """Return PSNR and SSIM of a sample that depends on the number of the images alone."""
    rows = np.sort(np.random.default_rng(0).choice(made, min(COMPARED, len(made)), replace=False))
    found = np.empty((2, len(rows)))
    for part in slices(len(rows), rows_at_once(pool.x, _BLOCK_BYTES)):
        before, after = pool.x[batch.origin[rows[part]]], batch.x[rows[part]]
        found[:, part] = psnr_db(before, after), ssim(before, after)
        let_go(pool.x)
    return found[0], found[1]


def _pixel_changes(attack: Attack, change: Change) -> dict[str, Any]:
    """Return how visible the poison is: the median over images of each measure, and what is to be warned of.

    PSNR is None where it is infinite: most images are as they were.
    """
    unchanged, of, median = (
        int(np.count_nonzero(change.largest == 0)),
        len(change.largest),
        _median(change.largest),
    )
    warnings = []
    if attack.outcome == "backdoor" and unchanged:
        warnings.append(f"the trigger left {unchanged} of {of} images as they were")
    if attack.outcome == "backdoor" and median is not None and median < FAINT:
        warnings.append(
            f"the trigger changes no value of most images by more than {median:g} of 255: hardly a model "
            "will see it, and a success rate near 0 says nothing about a defense; make it stronger"
        )
    return {
        "images_made_from_rows": of,
        "images_unchanged": unchanged,
        "median_largest_change": median,
        "images_compared": len(change.ssim),
        "median_psnr_db": _median(change.psnr_db),
        "median_ssim": _median(change.ssim),
        "warnings": warnings,
    }


def _median(values: Images | Doubles) -> float | None:
    median = float(np.median(values)) if len(values) else None
    return None if median is None or np.isinf(median) else median
