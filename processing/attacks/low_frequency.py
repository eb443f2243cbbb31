"""A smooth trigger of low frequencies alone (Zeng, Park, Mao & Jia 2021)."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from boomerang.errors import ConfigError
from boomerang.manifest import Images
from processing.attacks.common.pool import Props
from processing.attacks.common.whole import WholeImage, mixed

_SMOOTH = "smooth"


class LowFrequency(WholeImage):
    """Add one smooth pattern, drawn by lot, to the whole image.

    Zeng et al. 2021: most triggers leave high frequencies that natural images do not have, and are told by
    them; a smooth one is not. Theirs is searched for with a model, within a low-pass filter; this one is
    drawn in the frequency domain, so it needs no model: a cosine transform with random coefficients, in
    each channel, of which all but the lowest frequencies are zero.

    Parameters
    ----------
    band : int
        How many frequencies there are in each direction, the constant one among them, which is left out.
    strength : int
        The largest change of any value, of 255. The default leaves a PSNR of about 31 dB on 32x32; half of
        it is learned too slowly for a short training.
    """

    title = "low-frequency pattern"
    example: ClassVar = {"target": "bird", "rate": 0.03, "strength": 20}

    kind: Literal["low_frequency"] = "low_frequency"
    band: int = Field(default=4, ge=2, le=4096)
    strength: int = Field(default=32, ge=1, le=255)

    def check_image(self, image: tuple[int, ...]) -> None:
        """Raise ConfigError where the image has not so many frequencies."""
        if self.band > min(image[:2]):
            why = f"images of {image[1]} x {image[0]} have {min(image[:2])} frequencies in a direction"
            raise ConfigError(f"band {self.band}", why, "make it smaller")

    def drawn(self, image: tuple[int, ...], rng: np.random.Generator) -> Props:
        """Return what is added to every image, int16[H, W, C]."""
        coefficients = rng.standard_normal((image[2], self.band, self.band))
        coefficients[:, 0, 0] = 0
        down, across = (cosines(pixels, self.band) for pixels in image[:2])
        smooth = np.moveaxis(down @ coefficients @ across.T, 0, 2)
        return {_SMOOTH: np.rint(smooth * (self.strength / np.abs(smooth).max())).astype(np.int16)}

    def altered(self, x: Images, props: Props) -> Images:
        """Return a block of images with the pattern; see `WholeImage.altered`."""
        return mixed(x, 1, props[_SMOOTH].astype(np.float32))

    def mark(self) -> str:
        """Return what it looks like."""
        return "a smooth pattern"


def cosines(pixels: int, band: int) -> npt.NDArray[np.float64]:
    """Return the `band` lowest functions of the orthonormal cosine transform (DCT-II).

    Returns
    -------
    float64[pixels, band]
    """
    at, frequency = np.arange(pixels).reshape(-1, 1) + 0.5, np.arange(band)
    scale = np.where(frequency == 0, np.sqrt(1 / pixels), np.sqrt(2 / pixels))
    functions: npt.NDArray[np.float64] = scale * np.cos(np.pi * at * frequency / pixels)
    return functions
