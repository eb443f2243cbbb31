"""Poison: apply a recipe of attacks to the training set, and write down the truth about it.

    reads   config, train, photos (if the config has pictures), triggers (if there are images),
            surrogate (if an attack needs a model like the victim: the baseline),
            heldout (if an attack is on images of the test set: of it `test` alone is opened)
    writes  train      the poisoned training set. Its manifest names no attack and no row, and its
                       rows are shuffled, so that a screen learns nothing from order or metadata
            secret     for Evaluate, and an attacker who trains (one committed folder, because a processing
                       job takes ten inputs):
                trigger    the attacks; see `processing.attacks.common.trigger`
                truth      what was done to which row, and what it has overwritten, so that
                           `processing.undo` gives the clean set back; see `boomerang.formats.truth`

Same inputs, same seed: byte-identical folders. No more than a block of images is in memory: they are made in
the new training set's own file.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from boomerang.blocks import new_dataset
from boomerang.contract import Job, run_step
from boomerang.digest import digest_json
from boomerang.errors import BadInput, ConfigError
from boomerang.formats.notices import Notice, write_notices
from boomerang.formats.truth import TRUTH, write_truth
from boomerang.manifest import (
    Dataset,
    Images,
    Labels,
    Manifest,
    commit,
    committing,
    opened,
    opened_below,
    read_manifest,
)
from boomerang.settings import PoisonSettings
from processing.attacks.common.audit import audit_entry, compare
from processing.attacks.common.base import Attack
from processing.attacks.common.pool import Pool, check_batch
from processing.attacks.common.recipe import create_recipe
from processing.attacks.common.suppliers import After, Suppliers
from processing.attacks.common.trigger import SECRET, TRIGGER, write_trigger
from processing.attacks.common.trigger_images import load_images
from processing.poisoned import Poisoned, Staged, assemble

if TYPE_CHECKING:
    from training.model import ModelView


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
    surrogate: ModelView | None = None,
    heldout: tuple[Images, Labels] | None = None,
    suppliers: Suppliers | None = None,
) -> Poisoned:
    """Apply the attacks of a recipe, one after the other, to a training set, which may be larger than memory.

    A row that one attack has changed is out of reach for the next, so every row of the result
    belongs to one attack or to none. Each attack draws from a generator of its own: one more at the
    end of the recipe changes no row of those before it, beyond where the shuffle puts it.

    Parameters
    ----------
    x, y : uint8[N, H, W, C] in 0..255; int64[N], each in [0, len(classes))
        Never written to.
    classes : tuple of str
    attacks : sequence of Attack
        See `processing.attacks.common.recipe.create_recipe`. An empty one gives the clean control.
    seed : int
    pictures, picture_labels, images, heldout
        See `processing.attacks.common.pool.Pool`.
    surrogate, suppliers
        A model trained on the clean data, and who delivered the rows: for the attacks that need them.

    Raises
    ------
    ConfigError
        Naming the attack: if it names a class, a picture set or a trigger image that is not there,
        asks for more rows than are left, its trigger cannot be seen, or it lacks the model or the test set.
    """
    suppliers = suppliers or Suppliers()
    extras = (dict(pictures or {}), dict(picture_labels or {}), dict(images or {}))
    free, done = np.arange(len(y)), []
    for number, attack in enumerate(attacks, 1):
        mine = suppliers.reach(attack, free)
        pool = Pool(_read_only(x), _read_only(y), classes, mine, *extras, model=surrogate, heldout=heldout)
        done.append(_stage(attack, pool, _generator(seed, number)))
        free = np.setdiff1d(free, done[-1].batch.replaced, assume_unique=True)
    # A shuffle that follows from the seed alone could be undone by anyone who knows the seed.
    secret = int(digest_json([attack.model_dump(mode="json") for attack in attacks]), 16)
    return assemble(_read_only(x), y, done, _generator(seed, 0, secret))


def _generator(*entropy: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(entropy))


def _read_only(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    view = array.view()
    view.flags.writeable = False
    return view


def _stage(attack: Attack, pool: Pool, rng: np.random.Generator) -> Staged:
    """Return what an attack does, held against its contract, and its entry in the audit."""
    try:
        batch = attack.poison(pool, rng)
        check_batch(batch, pool)
        change = compare(batch, pool)
        return Staged(batch, change.overwritten, audit_entry(attack, batch, pool, change))
    except ConfigError as error:
        name = attack.name or attack.kind
        raise ConfigError(f"attack '{name}': {error.what}", error.why, error.do) from None


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
    for name, dataset in opened_below(folder).items():
        shown = np.unique(dataset.y)
        if len(shown) > 1:
            why = f"its pictures have {len(shown)} labels"
            raise BadInput(f"picture set '{name}'", why, "give it the one label that it shows")
        photos.pictures[name] = dataset.x
        if len(shown):  # a set of which nothing could be used shows nothing
            photos.labels[name] = dataset.classes[shown[0]]
        photos.digests[f"photos/{name}"] = dataset.manifest.digest
    return photos


def open_surrogate(job: Job, attacks: Sequence[Attack], train: Dataset) -> ModelView | None:
    """Return the attacker's model, not opened yet, or None where no attack needs one.

    Raises
    ------
    BadInput
        If one does, and the job was not given it.
    """
    if not any("surrogate" in attack.requires() for attack in attacks):
        return None
    from training.model import ModelView

    return ModelView(job.input("surrogate"), train.manifest.shape[1:], "the surrogate")


def open_test(job: Job, attacks: Sequence[Attack]) -> Dataset | None:
    """Return the test set, or None where no attack is on images of it.

    Raises
    ------
    BadInput
        If one is, and the job was not given it.
    IntegrityError
        If a file is not what its manifest says.
    """
    if not any("test" in attack.requires() for attack in attacks):
        return None
    return opened(job.input("heldout") / "test")


def run(job: Job) -> None:
    """Run the step on the inputs of a job."""
    settings = job.settings(PoisonSettings)
    attacks = create_recipe(settings.attacks)
    train = opened(job.input("train"))
    photos = load_photos(job.input("photos")) if job.has_input("photos") else Photos()
    image_folder = job.input("triggers") if job.has_input("triggers") else None
    surrogate, test = open_surrogate(job, attacks, train), open_test(job, attacks)
    suppliers = Suppliers(train.sources, train.manifest.source_names, train.vouched)
    poisoned = apply_recipe(
        train.x,
        train.y,
        train.classes,
        attacks,
        settings.seed,
        pictures=photos.pictures,
        picture_labels=photos.labels,
        images=load_images(image_folder) if image_folder else None,
        surrogate=surrogate,
        heldout=(test.x, np.asarray(test.y)) if test else None,
        suppliers=suppliers,
    )
    published = _publish(job.output("train"), poisoned, train, suppliers.after(poisoned.truth, attacks))
    secret = Manifest(
        name=train.manifest.name,
        kind=SECRET,
        classes=train.classes,
        parents={
            "train": train.manifest.digest,
            "poisoned": published.digest,
            **photos.digests,
            **({"surrogate": surrogate.card.weights_sha256} if surrogate else {}),
            **({"test": test.manifest.digest} if test else {}),
        },
        recipe=settings.model_dump(mode="json"),
        seed=settings.seed,
    )
    with committing(job.output(SECRET)) as out:
        write_truth(out / TRUTH, poisoned.truth, poisoned.changed, train, secret)
        write_trigger(out / TRIGGER, attacks, image_folder, secret, poisoned.kept)
        write_notices(out, warnings_of(poisoned.truth.audit))
        commit(out, secret)
    _report(poisoned.truth.audit)


def _publish(path: Path, poisoned: Poisoned, clean: Dataset, after: After) -> Manifest:
    """Write the poisoned training set; a screen reads its manifest, so recipe and seed stay out of it."""
    manifest = Manifest(
        name=clean.manifest.name,
        classes=clean.classes,
        parents={"train": clean.manifest.digest},
        source_names=clean.manifest.source_names,
    )
    with new_dataset(
        path, len(poisoned.y), clean.manifest.shape[1:], manifest, after.sources, after.vouch
    ) as (x, y):
        y[:] = poisoned.y
        poisoned.write_images(x)
    return read_manifest(path)


def warnings_of(audit: Mapping[str, Any]) -> list[Notice]:
    """Return what is to be known of the attacks before their numbers are believed."""
    return [
        Notice(kind="warning", what=f"attack '{entry['name']}'", why=why)
        for entry in audit["attacks"]
        for why in entry["warnings"]
    ]


def _report(audit: Mapping[str, Any]) -> None:
    print(f"{audit['rows_before']} rows in, {audit['rows_after']} rows out")
    for entry in audit["attacks"]:
        counts = f"{entry['replaced']} rows replaced, {entry['appended']} appended"
        print(f"attack '{entry['name']}': {counts}")
    kept = audit["overwritten"]
    print(f"{kept['images']} images kept in the secret before they were overwritten: {kept['bytes']:,} bytes")
    for notice in warnings_of(audit):
        print(f"warning: {notice.what}: {notice.why}", file=sys.stderr)


if __name__ == "__main__":
    run_step(run)
