"""The audit of a recipe: what was done, as plain JSON."""

from __future__ import annotations

from typing import Any

import numpy as np

from boomerang.blocks import let_go, rows_at_once, slices
from boomerang.manifest import Images, Labels
from processing.attacks.common.base import Attack
from processing.attacks.common.deeds import Facts
from processing.attacks.common.pool import Batch, Pool, largest_change

# A trigger below this largest change, of 255, drowns in an image's own noise.
FAINT = 8
# Images that are compared at once: what a core's cache holds of them.
_BLOCK_BYTES = 2 << 20


def audit_entry(attack: Attack, batch: Batch, pool: Pool) -> dict[str, Any]:
    """Return what an auditor wants to know of one attack, and `deed`, which says it to everybody else.

    The poisoning rate is given of each whole that the literature counts in: of the training set that
    came in, and of the class that the poison is labeled as.

    Raises
    ------
    ConfigError
        If the attack cannot work with what it did to the images: see `Attack.check_change`.
    """
    poisoned, before = len(batch.x), len(pool.x)
    change = changes(batch, pool)
    attack.check_change(change)
    return {
        "name": attack.name,
        "settings": attack.model_dump(mode="json"),
        "title": attack.title,
        "outcome": attack.outcome,
        "needs": list(attack.needs),
        "references": dict(attack.references),
        "deed": attack.deed(Facts(rows=poisoned, shows=pool.picture_labels)),
        "poisoned": poisoned,
        "replaced": len(batch.replaced),
        "appended": poisoned - len(batch.replaced),
        "rate_of_train": poisoned / before if before else None,
        "labels_given": _by_class(batch.y, pool.classes),
        "labels_true": _by_class(batch.y_true, pool.classes),
        **_pixel_changes(attack, change),
    }


def _by_class(y: Labels, classes: tuple[str, ...]) -> dict[str, int]:
    counts = np.bincount(y, minlength=len(classes))
    return {name: int(count) for name, count in zip(classes, counts, strict=True) if count}


def changes(batch: Batch, pool: Pool) -> Images:
    """Return uint8[M]: how far each image made from a row of the pool differs from it, in the batch's order.

    Every such image is made for it once, a block at a time.
    """
    made = np.flatnonzero(batch.origin >= 0)
    change = np.empty(len(made), np.uint8)
    for part in slices(len(made), rows_at_once(pool.x, _BLOCK_BYTES)):
        rows = made[part]
        change[part] = largest_change(pool.x[batch.origin[rows]], batch.x[rows])
        let_go(pool.x)
    return change


def _pixel_changes(attack: Attack, change: Images) -> dict[str, Any]:
    unchanged, median = int(np.count_nonzero(change == 0)), float(np.median(change)) if len(change) else None
    warnings = []
    if attack.outcome == "backdoor" and unchanged:
        warnings.append(f"the trigger left {unchanged} of {len(change)} images as they were")
    if attack.outcome == "backdoor" and median is not None and median < FAINT:
        warnings.append(
            f"the trigger changes no value of most images by more than {median:g} of 255: hardly a model "
            "will see it, and a success rate near 0 says nothing about a defense; make it stronger"
        )
    return {"images_unchanged": unchanged, "median_largest_change": median, "warnings": warnings}
