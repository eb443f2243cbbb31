"""Undo: the clean training set, made from the poisoned one and what Poison kept secret, and nothing else.

A row that was appended is dropped; one that was replaced gets its label back, and its image from the secret
where that was changed; all go back to where they stood. The folder has the very digest of the clean one.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from boomerang.blocks import new_dataset, row_digests
from boomerang.errors import BadInput, IntegrityError
from boomerang.formats.overwritten import OVERWRITTEN, Overwritten, load_overwritten
from boomerang.formats.truth import TRUTH, Truth, load_truth
from boomerang.manifest import Dataset, Manifest, opened, read_manifest, verify_folder
from boomerang.safeio import remove_tree
from processing.poisoned import write_images


def undo(train: Path, secret: Path, out: Path) -> Manifest:
    """Write the training set as it was before a recipe was applied to it.

    Parameters
    ----------
    train, secret : Path
        Both outputs of one Poison.
    out : Path
        A new folder.

    Returns
    -------
    Manifest
        Of the folder, which is that of the clean training set.

    Raises
    ------
    BadInput
        If `out` is there already.
    IntegrityError
        If an input is not, to the byte, what was made; if the secret is of another training set; or if what
        comes out is not the clean one. Nothing is left then.
    """
    if out.exists() or out.is_symlink():
        raise BadInput(f"{out}", "it is there already", "give a new folder")
    poisoned = opened(train)
    verify_folder(secret)
    truth, before = load_truth(secret / TRUTH), load_overwritten(secret / TRUTH / OVERWRITTEN)
    _check_belong(poisoned, read_manifest(secret / TRUTH), truth, before)
    _write(out, poisoned, truth, before)
    made = read_manifest(out)
    if made.digest != before.clean.digest:
        remove_tree(out)
        why = f"its digest is {made.digest}, that of the clean one {before.clean.digest}"
        raise IntegrityError("what was undone is not the clean training set", why, "run Poison again")
    return made


def _check_belong(poisoned: Dataset, manifest: Manifest, truth: Truth, before: Overwritten) -> None:
    """Refuse a secret that is of another training set, or whose parts are of different ones."""
    told, digest = manifest.parents.get("poisoned"), poisoned.manifest.digest
    if told != digest:
        why = f"it is of {told}, the training set is {digest}"
        raise IntegrityError("the secret is of another training set", why, "give both outputs of one Poison")
    kept = truth.stands_for[truth.stands_for >= 0]
    sound = (
        manifest.parents.get("train") == before.clean.digest
        and len(truth.stands_for) == len(poisoned)
        and poisoned.manifest.shape[1:] == before.clean.shape[1:]
        and np.array_equal(np.sort(kept), np.arange(before.clean.shape[0]))
        and np.array_equal(truth.replaced, before.replaced)
    )
    if not sound:
        raise IntegrityError("the secret cannot be used", "its parts do not fit together", "run Poison again")


def _write(out: Path, poisoned: Dataset, truth: Truth, before: Overwritten) -> None:
    """Write the rows to where they stood: of the poisoned set, and over these what the secret has."""
    at = np.flatnonzero(truth.stands_for >= 0)
    row = np.empty(len(at), np.int64)
    row[truth.stands_for[at]] = at
    from_secret = np.zeros(len(at), np.int8)
    from_secret[before.changed] = 1
    sources = None if poisoned.sources is None else poisoned.sources[row]
    vouch = None if poisoned.vouched is None else row_digests
    with new_dataset(out, len(at), before.clean.shape[1:], before.clean, sources, vouch) as (x, y):
        y[:] = poisoned.y[row]
        y[before.replaced] = before.y
        row[before.changed] = np.arange(len(before.changed))
        write_images(x, (poisoned.x, before.x), from_secret, row)
