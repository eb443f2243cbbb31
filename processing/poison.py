"""Poison: apply a recipe of attacks to the training set, and write down the truth about it.

    reads   config, train, photos (if the config has pictures), triggers (if there are images)
    writes  train      the poisoned training set. Its manifest names no attack and no row, and its
                       rows are shuffled, so that a screen learns nothing from order or metadata
            secret     for Evaluate alone (one output, because a processing job takes ten inputs):
                trigger    the attacks; see `processing.attacks.common.trigger`
                truth      what was done to which row

Same inputs, same seed: byte-identical folders.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from boomerang.contract import Job, run_step
from boomerang.digest import digest_json
from boomerang.errors import BadInput, ConfigError
from boomerang.manifest import (
    MANIFEST,
    Dataset,
    Images,
    Labels,
    Manifest,
    commit,
    committing,
    opened,
    verify_folder,
    write_dataset,
)
from boomerang.safeio import load_json, load_npy, write_json_atomic
from boomerang.settings import PoisonSettings
from processing.attacks import create_recipe
from processing.attacks.common.base import Attack, Batch, Pool, Rows, audit_entry, check_batch
from processing.attacks.common.trigger import write_trigger
from processing.attacks.common.trigger_images import load_images

AUDIT_FILE = "audit.json"

AttackOf = npt.NDArray[np.int8]


@dataclass(frozen=True)
class Poisoned:
    """A poisoned training set and the truth about it, row by row.

    Attributes
    ----------
    x : uint8[N, H, W, C], 0..255
    y : int64[N]
        The labels as the victim sees them.
    attack_of : int8[N]
        0 for a clean row, k for one of the recipe's k-th attack.
    y_true : int64[N]
        The labels that would be right.
    origin : int64[N]
        The row of the clean training set that the image was made from; -1 if it came from outside.
    audit : mapping
        Per attack what was done, as plain JSON.
    """

    x: Images
    y: Labels
    attack_of: AttackOf
    y_true: Labels
    origin: Rows
    audit: dict[str, Any]


@dataclass(frozen=True)
class Truth:
    """The truth about a poisoned training set, read back; the fields are those of `Poisoned`."""

    attack_of: AttackOf
    y_true: Labels
    origin: Rows
    audit: dict[str, Any]


@dataclass(frozen=True)
class Photos:
    """The prepared picture sets by name, the class that each shows, and their digests as parents."""

    pictures: dict[str, Images] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)


def apply_recipe(
    x: Images,
    y: Labels,
    classes: tuple[str, ...],
    attacks: Sequence[Attack],
    seed: int,
    *,
    pictures: Mapping[str, Images] | None = None,
    picture_labels: Mapping[str, str] | None = None,
    images: Mapping[str, Images] | None = None,
) -> Poisoned:
    """Apply the attacks of a recipe, one after the other, to a training set.

    A row that one attack has changed is out of reach for the next, so every row of the result
    belongs to one attack or to none. Each attack draws from a generator of its own: one more at the
    end of the recipe changes no row of those before it, beyond where the shuffle puts it.

    Parameters
    ----------
    x : uint8[N, H, W, C], 0..255
        Never written to.
    y : int64[N], each in [0, len(classes))
        Never written to.
    classes : tuple of str
    attacks : sequence of Attack
        See `processing.attacks.create_recipe`. An empty one gives the clean control.
    seed : int
    pictures, picture_labels, images
        See `processing.attacks.common.base.Pool`.

    Raises
    ------
    ConfigError
        Naming the attack: if it names a class, a picture set or a trigger image that is not there,
        asks for more rows than are left, or its trigger cannot be seen.
    """
    extras = (dict(pictures or {}), dict(picture_labels or {}), dict(images or {}))
    free, batches, entries = np.arange(len(y)), [], []
    for number, attack in enumerate(attacks, 1):
        pool = Pool(_read_only(x), _read_only(y), classes, free, *extras)
        batch = _stage(attack, pool, _generator(seed, number))
        free = np.setdiff1d(free, batch.replaced, assume_unique=True)
        batches.append(batch)
        entries.append(audit_entry(attack, batch, pool))
    # A shuffle that follows from the seed alone could be undone by anyone who knows the seed.
    secret = int(digest_json([attack.model_dump(mode="json") for attack in attacks]), 16)
    return _assemble(x, y, batches, entries, _generator(seed, 0, secret))


def _generator(*entropy: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(entropy))


def _read_only(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    view = array.view()
    view.flags.writeable = False
    return view


def _stage(attack: Attack, pool: Pool, rng: np.random.Generator) -> Batch:
    try:
        batch = attack.poison(pool, rng)
    except ConfigError as error:
        name = attack.name or attack.kind
        raise ConfigError(f"attack '{name}': {error.what}", error.why, error.do) from None
    check_batch(batch, pool)
    return batch


def _assemble(
    x: Images, y: Labels, batches: Sequence[Batch], entries: list[dict[str, Any]], rng: np.random.Generator
) -> Poisoned:
    """Put the rows of all attacks into the training set, in a shuffled order."""
    before = len(y)
    total = before + sum(len(batch.x) - len(batch.replaced) for batch in batches)
    place = rng.permutation(total)  # where the row of the unshuffled result goes
    result = Poisoned(
        x=np.empty((total, *x.shape[1:]), np.uint8),
        y=np.empty(total, np.int64),
        attack_of=np.zeros(total, np.int8),
        y_true=np.empty(total, np.int64),
        origin=np.empty(total, np.int64),
        audit={"rows_before": before, "rows_after": total, "attacks": entries},
    )
    clean = place[:before]
    result.x[clean], result.y[clean], result.y_true[clean], result.origin[clean] = x, y, y, np.arange(before)
    end = before
    for number, batch in enumerate(batches, 1):
        start, end = end, end + len(batch.x) - len(batch.replaced)
        at = place[np.concatenate([batch.replaced, np.arange(start, end)])]
        result.x[at], result.y[at], result.attack_of[at] = batch.x, batch.y, number
        result.y_true[at], result.origin[at] = batch.y_true, batch.origin
    return result


def load_photos(folder: Path) -> Photos:
    """Return the picture sets below a folder, one dataset folder each.

    Raises
    ------
    IntegrityError
        If a file is not what its manifest says.
    BadInput
        If the pictures of one set have several labels.
    """
    photos = Photos()
    for path in sorted(p.parent for p in folder.glob(f"*/{MANIFEST}")):
        dataset = opened(path)
        shown = np.unique(dataset.y)
        if len(shown) > 1:
            why = f"its pictures have {len(shown)} labels"
            raise BadInput(f"picture set '{path.name}'", why, "give it the one label that it shows")
        photos.pictures[path.name] = dataset.x
        if len(shown):  # a set of which nothing could be used shows nothing
            photos.labels[path.name] = dataset.classes[shown[0]]
        photos.digests[f"photos/{path.name}"] = dataset.manifest.digest
    return photos


def write_truth(path: Path, poisoned: Poisoned, manifest: Manifest) -> None:
    """Write the `truth` folder in one piece: one `.npy` file an array, and the audit."""
    with committing(path) as scratch:
        for name in ("attack_of", "y_true", "origin"):
            np.save(scratch / f"{name}.npy", getattr(poisoned, name), allow_pickle=False)
        write_json_atomic(scratch / AUDIT_FILE, poisoned.audit)
        commit(scratch, manifest)


def load_truth(path: Path) -> Truth:
    """Return what `write_truth` wrote; raises IntegrityError if a file is not what its manifest says."""
    verify_folder(path)
    columns = {
        name: load_npy(path / f"{name}.npy", kinds="i", ndim=1) for name in ("attack_of", "y_true", "origin")
    }
    return Truth(**columns, audit=load_json(path / AUDIT_FILE))


def run(job: Job) -> None:
    """Run the step on the inputs of a job."""
    settings = job.settings(PoisonSettings)
    attacks = create_recipe(settings.attacks)
    train = opened(job.input("train"))
    photos = load_photos(job.input("photos")) if job.has_input("photos") else Photos()
    image_folder = job.input("triggers") if job.has_input("triggers") else None
    poisoned = apply_recipe(
        train.x,
        train.y,
        train.classes,
        attacks,
        settings.seed,
        pictures=photos.pictures,
        picture_labels=photos.labels,
        images=load_images(image_folder) if image_folder else None,
    )
    published = _publish(job.output("train"), poisoned, train)
    secret = Manifest(
        name=train.manifest.name,
        kind="truth",
        classes=train.classes,
        parents={"train": train.manifest.digest, "poisoned": published.manifest.digest, **photos.digests},
        recipe=settings.model_dump(mode="json"),
        seed=settings.seed,
    )
    out = job.output("secret")
    write_truth(out / "truth", poisoned, secret)
    write_trigger(out / "trigger", attacks, image_folder, secret.model_copy(update={"kind": "trigger"}))
    _report(poisoned)


def _publish(path: Path, poisoned: Poisoned, clean: Dataset) -> Dataset:
    """Write the poisoned training set; a screen reads its manifest, so recipe and seed stay out of it."""
    return write_dataset(
        path,
        poisoned.x,
        poisoned.y,
        name=clean.manifest.name,
        classes=clean.classes,
        parents={"train": clean.manifest.digest},
    )


def _report(poisoned: Poisoned) -> None:
    print(f"{poisoned.audit['rows_before']} rows in, {poisoned.audit['rows_after']} rows out")
    for entry in poisoned.audit["attacks"]:
        counts = f"{entry['replaced']} rows replaced, {entry['appended']} appended"
        print(f"attack '{entry['name']}': {counts}")
        for warning in entry["warnings"]:
            print(f"warning: attack '{entry['name']}': {warning}", file=sys.stderr)


if __name__ == "__main__":
    run_step(run)
