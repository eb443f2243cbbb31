"""Blended injection: a trigger image or a random pattern over the whole image (Chen et al. 2017)."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from boomerang.manifest import Images
from processing.attacks.common.deeds import quoted
from processing.attacks.common.pool import Props
from processing.attacks.common.trigger_images import find_image, in_channels, stretched
from processing.attacks.common.whole import WholeImage, mixed

_PATTERN = "pattern"


class Blended(WholeImage):
    """Blend a trigger image, or a random pattern, into the whole image.

    The blended injection strategy of Chen et al. 2017: what is seen is (1 - alpha) x + alpha p. Every pixel
    of the random pattern is drawn by lot, in each channel, and the pattern is the same on all images.

    Parameters
    ----------
    image : str, optional
        A trigger image by name, stretched over the image; where it is transparent the image stays.
        Without it a random pattern.
    alpha : float
        How much of the trigger is seen. The paper poisons with 0.1 to 0.2.
    """

    title = "blended injection"
    example: ClassVar = {"target": "bird", "rate": 0.03, "alpha": 0.15}

    kind: Literal["blended"] = "blended"
    image: str | None = None
    alpha: float = Field(default=0.2, gt=0, le=1)

    def drawn(self, image: tuple[int, ...], rng: np.random.Generator) -> Props:
        """Return the random pattern, uint8[H, W, C], where there is no trigger image."""
        return {} if self.image is not None else {_PATTERN: rng.integers(0, 256, image, dtype=np.uint8)}

    def altered(self, x: Images, props: Props) -> Images:
        """Return a block of images with the pattern; see `WholeImage.altered`."""
        if self.image is None:
            return mixed(x, 1 - self.alpha, np.float32(self.alpha) * props[_PATTERN])
        rgba = stretched(find_image(props, self.image), *x.shape[1:3])
        alpha = np.float32(self.alpha / 255) * rgba[..., 3:]
        return mixed(x, 1 - alpha, alpha * in_channels(rgba, x.shape[3]))

    def image_names(self) -> tuple[str, ...]:
        """The image, if it is one."""
        return () if self.image is None else (self.image,)

    def mark(self) -> str:
        """Return what was blended in, and how much of it is seen."""
        what = "a random pattern" if self.image is None else f"the mark {quoted(self.image)}"
        return f"{what} blended in at {100 * self.alpha:.3g}%"
