"""An attack staged on drawn pictures that come with the project, to be looked at."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from boomerang.config import Spec
from boomerang.manifest import Images, Labels, Rows
from pipelines.campaign.entry import ROOT, TRIGGERS
from pipelines.catalogue.attacks import PICTURES, create_example, example_of
from processing.attacks.common.base import Attack
from processing.attacks.common.pool import Batch, Pool
from processing.attacks.common.trigger_images import load_images

if TYPE_CHECKING:
    from training.model import ModelView

# The classes of the attacks' examples, and the rows that are staged; five drawn classes in two are others.
_CLASSES, _ROWS = ("airplane", "bird", "cat", "dog"), 200
_DRAWN = 5 * _ROWS // 2
_SHOWN, _ASKED = 6, 2


@dataclass(frozen=True)
class Shown:
    """An image that is shown before and after.

    Attributes
    ----------
    before : uint8[H, W, C] or None
        None of an image from outside.
    after : uint8[H, W, C]
    words : str
        What was done to it.
    """

    before: Images | None
    after: Images
    words: str


@dataclass(frozen=True)
class Sample:
    """What an attack does to a few images: of the training set, and where it has a trigger to those asked."""

    title: str
    rows: tuple[Shown, ...]


def staged(kind: str) -> Sample:
    """Return what the example of an attack does to drawn pictures.

    An attack that needs a model like the victim gets one that was trained on them, which takes seconds.

    Raises
    ------
    ConfigError
        If the attack cannot be staged on them.
    """
    attack = create_example(kind, example_of(kind))
    with TemporaryDirectory() as scratch:
        pool = _pool(attack, Path(scratch))
        batch = attack.poison(pool, np.random.default_rng(0))
        rows = (*_poisoned(batch, pool), *_asked(attack, batch, pool))
    return Sample(f"{kind}: {attack.title}", rows)


def _pool(attack: Attack, scratch: Path) -> Pool:
    (x, y), test = _drawn()
    needs: Mapping[str, Any] = {}
    if "pictures" in attack.needs:
        needs = {"pictures": {PICTURES: _pictures(scratch)}, "picture_labels": {PICTURES: "airplane"}}
    model = _trained(x, y, scratch / "model") if "surrogate" in attack.requires() else None
    images = load_images(TRIGGERS)
    return Pool(x, y, _CLASSES, np.arange(len(y)), images=images, model=model, heldout=test, **needs)


def _drawn() -> tuple[tuple[Images, Labels], tuple[Images, Labels]]:
    """Return the training rows and the test rows of the classes."""
    from processing.datasets.synthetic import CLASSES, blueprint
    from processing.sharing.tasks import alone

    drawn = blueprint(_DRAWN, _DRAWN).build(alone)
    labels = np.array([CLASSES.index(name) for name in _CLASSES])

    def ours(x: Images, y: Labels) -> tuple[Images, Labels]:
        rows = np.flatnonzero(np.isin(y, labels))
        return x[rows], np.argmax(y[rows, None] == labels, axis=1).astype(np.int64)

    return ours(drawn.train.x, drawn.train.y), ours(drawn.test.x, drawn.test.y)


def _pictures(scratch: Path) -> Images:
    from boomerang.safeio import load_npy
    from processing.pictures.resize_folder import resize_folder

    resize_folder(ROOT / "images" / PICTURES, scratch / "pictures")
    return load_npy(scratch / "pictures" / "images.npy", kinds="u", ndim=4)


def _trained(x: Images, y: Labels, folder: Path) -> ModelView:
    from boomerang.settings import TrainConfig
    from pipelines.campaign import presets
    from training.architectures import ARCHITECTURES
    from training.architectures.common.base import fresh
    from training.fit import fit, seed_everything
    from training.labeled import Labeled
    from training.model import ModelView, save_model

    architecture = ARCHITECTURES.create(Spec(kind="small"))
    train = presets.whole(TrainConfig(epochs=5, batch=32), architecture)
    seed_everything(0)
    model = fresh(architecture, Labeled(x, y), _CLASSES)
    with redirect_stdout(sys.stderr):  # what is printed of the epochs is no part of the answer
        fit(model, x, y, (x[:40], y[:40]), train, 0, rates=architecture.rates)
    about: dict[str, Any] = {"architecture": "small", "classes": _CLASSES, "input_shape": x.shape[1:]}
    save_model(model, folder, **about, seed=0, parents={}, rows=len(x), history={})
    return ModelView(folder, x.shape[1:])


def _poisoned(batch: Batch, pool: Pool) -> tuple[Shown, ...]:
    """Return some poisoned rows; of those made from a row those that changed first."""
    after = np.asarray(batch.x[:])
    made = batch.origin >= 0
    same = np.array(
        [made[k] and np.array_equal(pool.x[batch.origin[k]], after[k]) for k in range(len(after))]
    )
    order = np.argsort(same, kind="stable")[:_SHOWN]
    return tuple(
        Shown(pool.x[batch.origin[row]] if made[row] else None, after[row], _label_words(batch, pool, row))
        for row in map(int, order)
    )


def _label_words(batch: Batch, pool: Pool, row: int) -> str:
    true, given = pool.classes[batch.y_true[row]], pool.classes[batch.y[row]]
    return f"{true}, called {given}" if true != given else f"{true}, called so"


def _asked(attack: Attack, batch: Batch, pool: Pool) -> tuple[Shown, ...]:
    """Return images with the trigger as the model is asked about them; none where there is no trigger."""
    rows: Rows = np.flatnonzero(pool.y != pool.label(attack.target_class() or pool.classes[0]))[:_ASKED]
    try:
        after = attack.stamp(pool.x[rows], {**pool.images, **batch.kept})
    except TypeError:
        return ()
    return tuple(
        Shown(pool.x[row], image, f"{pool.classes[pool.y[row]]}, as the model is asked")
        for row, image in zip(map(int, rows), after, strict=True)
    )
