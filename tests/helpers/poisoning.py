"""Poison, run on the pool of the attacks' tests."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from boomerang.blocks import let_go, new_dataset, row_digests, slices
from boomerang.contract import Job
from boomerang.manifest import Manifest, write_dataset
from helpers.attack_pools import make_pool
from processing.attacks.common.pool import Pool
from processing.poison import run


def poisoned_by(
    root: Path,
    pool: Pool,
    recipe: Sequence[Mapping[str, Any]],
    surrogate: Path | None = None,
    suppliers: Sequence[str] = (),
) -> Job:
    """Run Poison on a pool, its pictures and triggers, and a model where one is given; return the job.

    Suppliers deliver every so many-th row each.
    """
    given_to = root / "processing" / "input"
    (given_to / "triggers").mkdir(parents=True)
    _write_config(given_to, recipe)
    about: dict[str, Any] = {"classes": pool.classes, "seed": 3, "recipe": {"noise": True}}
    if suppliers:
        manifest = Manifest(name="noise", source_names=tuple(suppliers), **about)
        said = np.arange(len(pool.y)) % len(suppliers), row_digests
        with new_dataset(given_to / "train", len(pool.y), pool.x.shape[1:], manifest, *said) as (x, y):
            x[:], y[:] = pool.x, pool.y
    else:
        write_dataset(given_to / "train", pool.x, pool.y, name="noise", **about)
    test = make_pool(rows=40, size_px=pool.x.shape[1], channels=pool.x.shape[3], seed=9)
    write_dataset(given_to / "heldout" / "test", test.x, test.y, name="noise", classes=pool.classes)
    for name, x in pool.pictures.items():
        shown = np.full(len(x), pool.label(pool.picture_labels[name]), np.int64)
        write_dataset(given_to / "photos" / name, x, shown, name=name, classes=pool.classes)
    for name, image in pool.images.items():
        Image.fromarray(image).save(given_to / "triggers" / f"{name}.png")
    if surrogate is not None:
        shutil.copytree(surrogate, given_to / "surrogate")
    job = Job(root)
    run(job)
    return job


def lay_out_large(root: Path, rows: int, recipe: Sequence[Mapping[str, Any]]) -> None:
    """Lay out `/opt/ml` for Poison with a training set of so many images of 3 kB."""
    given_to = root / "processing" / "input"
    manifest = Manifest(name="noise", classes=tuple("abcdefghij"))
    cheap = np.random.default_rng(0).integers(0, 256, (1000, 32, 32, 3), np.uint8)
    with new_dataset(given_to / "train", rows, (32, 32, 3), manifest) as (x, y):
        for part in slices(rows, len(cheap)):
            x[part] = cheap
            let_go(x)
        y[:] = np.arange(rows) % 10
    _write_config(given_to, recipe)


def _write_config(given_to: Path, recipe: Sequence[Mapping[str, Any]]) -> None:
    (given_to / "config").mkdir()
    (given_to / "config" / "config.json").write_text(json.dumps({"seed": 7, "attacks": list(recipe)}))
