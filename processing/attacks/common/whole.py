"""Triggers that change the whole image: what they share, and what is added to every pixel."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from boomerang.blocks import blocks, rows_at_once, slices
from boomerang.manifest import Images
from processing.attacks.common.backdoor import Backdoor
from processing.attacks.common.base import check_stampable
from processing.attacks.common.pool import Batch, Pool, Props

# Images that are changed at once: as floats they stay in a core's cache.
_BLOCK_BYTES = 256 << 10


class WholeImage(Backdoor):
    """A backdoor whose trigger changes the whole image; a subclass has `altered` instead of `stamp`.

    A trigger that is drawn by lot comes from `drawn`, once for all rows; it is kept, and measured again.
    """

    @abstractmethod
    def altered(self, x: Images, props: Props) -> Images:
        """Return some images with the trigger, in a new array.

        Parameters
        ----------
        x : uint8[N, H, W, C]
            A block.
        props : mapping of str to array
            The trigger images, and what `drawn` gave.

        Raises
        ------
        ConfigError
            If an image is unknown.
        """

    def drawn(self, image: tuple[int, ...], rng: np.random.Generator) -> Props:
        """Return what is drawn once for all images, by default nothing.

        Parameters
        ----------
        image : (int, int, int)
            (H, W, C) of the images.
        rng : np.random.Generator
        """
        return {}

    def poison(self, pool: Pool, rng: np.random.Generator) -> Batch:
        """Return the triggered rows, and what was drawn; see `Backdoor.poison`."""
        self.check_image(pool.x.shape[1:])
        kept = self.drawn(pool.x.shape[1:], rng)
        batch = super().poison(replace(pool, images={**pool.images, **kept}), rng)
        return replace(batch, kept={**batch.kept, **kept})

    def stamp(self, x: Images, props: Props) -> Images:
        """Return a copy of uint8[N, H, W, C] with the trigger on every image."""
        check_stampable(x)
        self.check_image(x.shape[1:])
        stamped = np.empty(x.shape, np.uint8)
        for part in slices(len(x), rows_at_once(x, _BLOCK_BYTES)):
            stamped[part] = self.altered(x[part], props)
        return stamped

    def stamp_in_place(self, x: Images, props: Props) -> None:
        """Put the trigger onto every image of uint8[N, H, W, C] itself; see `Attack.stamp_in_place`."""
        check_stampable(x)
        self.check_image(x.shape[1:])
        for _, block in blocks(x, rows_at_once(x, _BLOCK_BYTES)):
            block[...] = self.altered(block, props)


def mixed(x: Images, keep: npt.NDArray[np.float32] | float, add: npt.NDArray[np.float32]) -> Images:
    """Return keep x + add, rounded to nearest and clipped to 0..255.

    Parameters
    ----------
    x : uint8[N, H, W, C]
    keep, add : float32, to be broadcast against (H, W, C); or keep one number

    Returns
    -------
    uint8[N, H, W, C]

    >>> mixed(np.array([[[[10], [250]]]], np.uint8), 1, np.full(1, 8.6, np.float32)).ravel()
    array([ 19, 255], dtype=uint8)
    """
    values = np.multiply(x, keep, dtype=np.float32)
    values += add
    return as_images(values)


def as_images(values: npt.NDArray[np.float32]) -> Images:
    """Return float32 values, which are written over, as uint8: rounded, halves to even, and clipped."""
    np.rint(values, out=values)
    return np.clip(values, 0, 255, out=values).astype(np.uint8)
