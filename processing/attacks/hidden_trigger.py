"""The hidden trigger: poison without a trigger that has the features of one (Saha et al. 2020)."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np
from PIL import Image
from pydantic import Field

from boomerang.blocks import slices
from boomerang.errors import ConfigError
from boomerang.manifest import Images, Rows
from processing.attacks.common.base import check_stampable
from processing.attacks.common.clean_backdoor import CleanBackdoor
from processing.attacks.common.deeds import quoted
from processing.attacks.common.gradients import changed, seeded
from processing.attacks.common.places import own_places
from processing.attacks.common.pool import Batch, Pool, Props, choose
from processing.attacks.common.trigger_images import find_image, overlay, resized
from training.model import FEATURES, Ball, Floats, on_floats

_TRIGGER = "trigger"
_TOGETHER = 100
_COLORS = 4


class HiddenTrigger(CleanBackdoor):
    """Change rows of the target class so that their features are those of source images with a patch.

    Saha, Subramanya & Pirsiavash 2020, section 3.2 and algorithm 1. The patch lies at a random place and is
    seen in no row of the training set; success is measured on test images of the source with the patch.
    A poison image goes after that patched image that is nearest to it in features, no two after the same,
    and the pairs are made anew in every step. Meant for a victim that keeps the features of the baseline.

    Parameters
    ----------
    source : str
        The class that the patch should be taken for the target on.
    image : str, optional
        A trigger image by name; without it 4 x 4 random colors, blown up, as the paper's are.
    patch_px : int
        Side of the patch; 8 of 32 pixels are the paper's on CIFAR-10.
    eps : int
        The largest change of a value, of 0..255.
    learning_rate : float
        The first step, of values in [0, 1]; it goes by the sign of the gradient, since how large the gradient
        is hangs on the network's features.
    decay : float
        What the step is multiplied by, ten times evenly.
    iterations : int
        Steps for each hundred poison images.
    """

    title = "hidden trigger"
    needs = ("surrogate",)
    example: ClassVar = {
        "target": "bird",
        "source": "dog",
        "rate": 0.2,
        "patch_px": 4,
        "iterations": 5,
    }

    kind: Literal["hidden_trigger"] = "hidden_trigger"
    source: str
    image: str | None = None
    patch_px: int = Field(default=8, ge=1, le=4096)
    eps: int = Field(default=16, ge=1, le=255)
    learning_rate: float = Field(default=0.01, gt=0, le=1)
    decay: float = Field(default=0.8, gt=0, le=1)
    iterations: int = Field(default=300, ge=1, le=100_000)

    def check_image(self, image: tuple[int, ...]) -> None:
        """Raise ConfigError where the patch does not fit into images of (H, W, C)."""
        height, width = image[:2]
        if self.patch_px > min(height, width):
            why = f"the images are {width} x {height}"
            raise ConfigError(f"patch of {self.patch_px} pixels", why, "make patch_px smaller")

    def poison(self, pool: Pool, rng: np.random.Generator) -> Batch:
        """Return the changed rows; the patch is kept.

        Raises
        ------
        ConfigError
            If the patch does not fit into an image, the source has too few rows, or there is no surrogate.
        """
        rows = self.rows_of(pool, rng)
        kept = {_TRIGGER: self._patch(pool, rng)}
        shown = np.flatnonzero(pool.y == pool.label(self.source))
        if len(shown) < min(len(rows), _TOGETHER):
            why = f"it has {len(shown)} rows, and {min(len(rows), _TOGETHER)} are patched at a time"
            raise ConfigError(f"source class '{self.source}'", why, "lower the rate, or add data")
        self.stamp(pool.x[shown[:1]], kept)  # raises before anything is opened
        x = self._disguised(pool, rows, shown, kept, rng)
        return self.changed_rows(pool, rows, x, kept)

    def stamp(self, x: Images, props: Props) -> Images:
        """Return a copy of uint8[N, H, W, C] with the patch on every image, at a place of the image's own."""
        check_stampable(x)
        self.check_image(x.shape[1:])
        height, width = x.shape[1:3]
        patch = props[_TRIGGER]
        room = (height - self.patch_px + 1, width - self.patch_px + 1)
        stamped = np.empty_like(x)
        for number, (top_px, left_px) in enumerate(own_places(x, room)):
            stamped[number] = overlay(x[number : number + 1], patch, int(top_px), int(left_px))[0]
        return stamped

    def image_names(self) -> tuple[str, ...]:
        """The image, if it is one."""
        return () if self.image is None else (self.image,)

    def means(self) -> str:
        """Return what they look like to the model."""
        source = quoted(self.source)
        return f"changed so that a model takes them for a {source} with a patch on it, which none shows"

    def _patch(self, pool: Pool, rng: np.random.Generator) -> Images:
        """Return uint8[patch_px, patch_px, 4]."""
        if self.image is not None:
            return resized(find_image(pool.images, self.image), self.patch_px)
        colors = rng.integers(0, 256, (_COLORS, _COLORS, 3), dtype=np.uint8)
        side = (self.patch_px, self.patch_px)
        larger = np.asarray(Image.fromarray(colors).resize(side, Image.Resampling.BILINEAR))
        return np.concatenate([larger, np.full((*side, 1), 255, np.uint8)], axis=2)

    def _disguised(
        self, pool: Pool, rows: Rows, shown: Rows, kept: Props, rng: np.random.Generator
    ) -> Images:
        seeded(rng)
        step = _step(on_floats(pool.surrogate.model, FEATURES), Ball("linf", self.eps))
        x = np.asarray(pool.x[rows])
        for part in slices(len(rows), _TOGETHER):
            sources = choose(rng, shown, len(x[part]))
            goals = pool.surrogate.embed(self.stamp(pool.x[sources], kept))
            x[part] = self._near(step, x[part], pool.surrogate.embed(x[part]), goals)
        return x

    def _near(self, step: Any, x: Images, mine: Floats, goals: Floats) -> Images:
        """Return uint8[N, H, W, C], changed from features float32[N, D] towards others."""
        import tensorflow as tf

        images, change = tf.constant(x.astype(np.float32)), tf.zeros(x.shape)
        for number in range(self.iterations):
            size = 255 * self.learning_rate * self.decay ** (10 * number // self.iterations)
            paired_goals = tf.constant(goals[paired(np.asarray(mine), goals)])
            mine, change = step(images, change, paired_goals, tf.constant(size, tf.float32))
        return changed(x, change.numpy())


def _step(features: Any, ball: Ball) -> Any:
    """Return what brings images a step nearer to features of others.

    Images, their changes, float32[N, D] and the step's size -> the features before it, the changes after it.
    """
    import tensorflow as tf

    def nearer(images: Any, change: Any, goals: Any, size: Any) -> tuple[Any, Any]:
        with tf.GradientTape() as tape:
            tape.watch(change)
            mine = features(images + change)
            far = tf.reduce_sum(tf.square(mine - goals))
        return mine, ball.moved(images, change, -tape.gradient(far, change), size)

    return tf.function(nearer)


def paired(features: Floats, goals: Floats) -> Rows:
    """Return int64[N]: for each row of features a row of goals, no two the same, the nearest pairs first.

    Parameters
    ----------
    features, goals : float32[N, D]

    >>> paired(np.float32([[0.0], [1.0]]), np.float32([[0.9], [0.6]])).tolist()
    [1, 0]
    """
    from scipy.spatial.distance import cdist

    far = cdist(features, goals)
    pairs = np.empty(len(far), np.int64)
    for _ in range(len(far)):
        mine, theirs = np.unravel_index(far.argmin(), far.shape)
        pairs[mine] = theirs
        far[mine], far[:, theirs] = np.inf, np.inf
    return pairs
