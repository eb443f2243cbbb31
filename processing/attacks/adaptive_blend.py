"""Adaptive-Blend: half of a trigger in training, all of it at test (Qi, Xie, Li et al. 2023)."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from boomerang.errors import ConfigError
from boomerang.manifest import Images, Rows
from processing.attacks.common.cover import Covered
from processing.attacks.common.deeds import quoted
from processing.attacks.common.pool import Pool, Props
from processing.attacks.common.trigger_images import find_image, in_channels, stretched
from processing.attacks.common.whole import WholeImage, mixed

_PATTERN = "pattern"


class AdaptiveBlend(WholeImage, Covered):
    """Blend a trigger image, or a random pattern, into the image: half its pieces in training, all at test.

    Qi et al. 2023, section 5. The trigger is cut into pieces x pieces; on every training row, poisoned or
    cover, a share of them drawn by lot is left out, and the rest is seen faintly. The paper poisons 0.3% with
    0.3% cover, and blends with 0.15 in training and 0.2 at test.

    Parameters
    ----------
    image : str, optional
        A trigger image by name, stretched over the image; where it is transparent the image stays.
        Without it a random pattern.
    pieces : int
        Into how many pieces each side is cut; 4 gives the paper's 16.
    masked : float
        The share of the pieces that is left out on a training row.
    alpha, test_alpha : float
        How much of the trigger is seen in training, and when success is measured.
    cover_rate : float
        Fraction of the whole training set that is changed alike and keeps its label.
    """

    title = "Adaptive-Blend"
    example: ClassVar = {"target": "bird", "rate": 0.02, "cover_rate": 0.02}

    kind: Literal["adaptive_blend"] = "adaptive_blend"
    cover_rate: float = Field(default=0.003, ge=0, lt=1)
    image: str | None = None
    pieces: int = Field(default=4, ge=1, le=64)
    masked: float = Field(default=0.5, ge=0, lt=1)
    alpha: float = Field(default=0.15, gt=0, le=1)
    test_alpha: float = Field(default=0.2, gt=0, le=1)

    def check_image(self, image: tuple[int, ...]) -> None:
        """Raise ConfigError where there are fewer pixels than pieces."""
        if self.pieces > min(image[:2]):
            why = f"the images are {image[1]} x {image[0]}"
            raise ConfigError(f"{self.pieces} x {self.pieces} pieces", why, "make 'pieces' smaller")

    def drawn(self, image: tuple[int, ...], rng: np.random.Generator) -> Props:
        """Return the random pattern, uint8[H, W, C], where there is no trigger image."""
        return {} if self.image is not None else {_PATTERN: rng.integers(0, 256, image, dtype=np.uint8)}

    def altered(self, x: Images, props: Props) -> Images:
        """Return a block of images with the whole trigger; see `WholeImage.altered`."""
        pattern, seen = self._pattern(x.shape[1:], props)
        return mixed(x, 1 - self.test_alpha * seen, self.test_alpha * seen * pattern)

    def planted(self, pool: Pool, rows: Rows, seeds: Rows) -> Images:
        """Return training rows, each with other pieces of the trigger; see `Covered.planted`."""
        image = pool.x.shape[1:]
        pattern, seen = self._pattern(image, pool.images)
        planted = np.empty((len(rows), *image), np.uint8)
        for number, (row, seed) in enumerate(zip(rows, seeds, strict=True)):
            alpha = self.alpha * seen * self._shown(image, seed)
            planted[number] = mixed(pool.x[row], 1 - alpha, alpha * pattern)
        return planted

    def image_names(self) -> tuple[str, ...]:
        """The image, if it is one."""
        return () if self.image is None else (self.image,)

    def mark(self) -> str:
        """Return what was blended in, and how much of it."""
        what = "a random pattern" if self.image is None else f"the mark {quoted(self.image)}"
        return f"parts of {what}, {100 * self.alpha:.3g}% of what is seen,"

    def _shown(self, image: tuple[int, ...], seed: int) -> npt.NDArray[np.float32]:
        """Return float32[H, W, 1]: 1 where a piece is shown, 0 where it is left out."""
        count = self.pieces**2
        shown = np.ones(count, np.float32)
        shown[np.random.default_rng(seed).permutation(count)[: round(self.masked * count)]] = 0
        rows, columns = (np.arange(side) * self.pieces // side for side in image[:2])
        mask: npt.NDArray[np.float32] = shown.reshape(self.pieces, -1)[np.ix_(rows, columns)][..., None]
        return mask

    def _pattern(
        self, image: tuple[int, ...], props: Props
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """Return the trigger, float32[H, W, C], and how opaque it is, float32[H, W, 1], 0..1."""
        if self.image is None:
            return props[_PATTERN].astype(np.float32), np.ones((1, 1, 1), np.float32)
        rgba = stretched(find_image(props, self.image), *image[:2])
        return in_channels(rgba, image[2]).astype(np.float32), rgba[..., 3:] / np.float32(255)
