"""Poison, run on the pool of the attacks' tests."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from boomerang.contract import Job
from boomerang.manifest import write_dataset
from processing.attacks.common.pool import Pool
from processing.poison import run


def poisoned_by(
    root: Path, pool: Pool, recipe: Sequence[Mapping[str, Any]], surrogate: Path | None = None
) -> Job:
    """Run Poison on a pool, its pictures and triggers, and a model where one is given; return the job."""
    given_to = root / "processing" / "input"
    for name in ("config", "triggers"):
        (given_to / name).mkdir(parents=True)
    (given_to / "config" / "config.json").write_text(json.dumps({"seed": 7, "attacks": list(recipe)}))
    about: dict[str, Any] = {"classes": pool.classes, "seed": 3, "recipe": {"noise": True}}
    write_dataset(given_to / "train", pool.x, pool.y, name="noise", **about)
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
