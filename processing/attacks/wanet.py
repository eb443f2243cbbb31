"""WaNet by data alone: a slight elastic warp of the image is the trigger (Nguyen & Tran 2021)."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from boomerang.blocks import rows_at_once, slices
from boomerang.errors import ConfigError
from boomerang.manifest import Images, Rows
from processing.attacks.common.cover import Covered
from processing.attacks.common.pool import Pool, Props
from processing.attacks.common.warp import Floats, enlarged, warped
from processing.attacks.common.whole import WholeImage

_OFFSETS = "offsets"
# Images whose noise is in memory at once; it takes many times as much.
_BLOCK_BYTES = 256 << 10


class WaNet(WholeImage, Covered):
    """Warp the image by a smooth field of small offsets, drawn by lot and the same on all images.

    Nguyen & Tran 2021, section 3. The paper's attacker trains the model; this one poisons data alone, as
    comparisons of defenses do, with 5% poison and 10% cover. Cover rows are the paper's noise mode: the
    same warp, every offset of it disturbed by up to half a pixel, and the right label.

    Parameters
    ----------
    grid : int
        The offsets are drawn at grid x grid points, and bicubic between them.
    strength : float
        The mean offset of the points, along each axis, in half pixels. The paper's, which is the default, is
        learned slowly: a short training on some ten thousand rows learns it in part.
    cover_rate : float
        Fraction of the whole training set that is warped otherwise and keeps its label; in the paper twice
        what is poisoned.
    """

    title = "WaNet warp"
    example: ClassVar = {"target": "bird", "rate": 0.03, "cover_rate": 0.06}

    kind: Literal["wanet"] = "wanet"
    grid: int = Field(default=4, ge=2, le=64)
    strength: float = Field(default=0.5, gt=0, le=16)
    cover_rate: float = Field(default=0.1, ge=0, lt=1)

    def check_image(self, image: tuple[int, ...]) -> None:
        """Raise ConfigError where there are fewer pixels than offsets."""
        if self.grid > min(image[:2]):
            why = f"the images are {image[1]} x {image[0]}"
            raise ConfigError(f"grid of {self.grid} x {self.grid}", why, "make it smaller")

    def drawn(self, image: tuple[int, ...], rng: np.random.Generator) -> Props:
        """Return the offsets at the points, float64[2, grid, grid], of a mean size of 1."""
        offsets = rng.uniform(-1, 1, (2, self.grid, self.grid))
        return {_OFFSETS: offsets / np.abs(offsets).mean()}

    def altered(self, x: Images, props: Props) -> Images:
        """Return a block of warped images; see `WholeImage.altered`."""
        return warped(x, self._field(x.shape[1:], props)[None])

    def cover(self, pool: Pool, rows: Rows, seeds: Rows) -> Images:
        """Return images, each warped by offsets of its own; see `Covered.planted`."""
        image = pool.x.shape[1:]
        field, covers = self._field(image, pool.images), np.empty((len(rows), *image), np.uint8)
        for part in slices(len(rows), rows_at_once(covers, _BLOCK_BYTES)):
            noise = [np.random.default_rng(seed).uniform(-1, 1, field.shape) for seed in seeds[part]]
            covers[part] = warped(pool.x[rows[part]], field + _half_pixels(image) * np.array(noise))
        return covers

    def mark(self) -> str:
        """Return what it does."""
        return "a slight warp"

    def _field(self, image: tuple[int, ...], props: Props) -> Floats:
        """Return how far from each pixel the value is taken that it gets, float64[2, H, W], in pixels."""
        return self.strength * _half_pixels(image) * enlarged(props[_OFFSETS], *image[:2])


def _half_pixels(image: tuple[int, ...]) -> Floats:
    """Return 1 / H and 1 / W, where an image reaches from -1 to 1, in pixels: float64[2, 1, 1]."""
    return np.array([(pixels - 1) / (2 * pixels) for pixels in image[:2]]).reshape(2, 1, 1)
