"""Triggers that change pixel by pixel: what becomes of a value is a table, and images are looked up in it.

What such a trigger makes of a pixel depends on nothing but its value, its place and its channel. So 256
plain images, one of each value, say all about it, whoever draws the trigger; and a million images are done
in place, a block at a time, by touching the trigger's own pixels and no others.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from boomerang.blocks import blocks, slices
from boomerang.manifest import Images
from processing.attacks.common.backdoor import Backdoor
from processing.attacks.common.base import check_stampable
from processing.attacks.common.pool import Props

# Values that are looked up at once, so that their indices stay in a core's cache.
_VALUES_AT_ONCE = 96 << 10


@dataclass(frozen=True)
class Table:
    """What a trigger makes of each value at each place.

    Attributes
    ----------
    values : uint8[256, h, w, C]
        `values[v, i, j, c]` is what becomes of v there. Never written to.
    """

    values: Images

    def lay(self, x: Images, top_px: int, left_px: int) -> None:
        """Put the trigger onto uint8[N, H, W, C] itself, its upper left corner there; it must lie inside."""
        height, width = self.values.shape[1:3]
        region = x[:, top_px : top_px + height, left_px : left_px + width, :]
        if self._painted is None:
            self._look_up(region)
            return
        for row, start, stop in self._painted:
            region[:, row, start:stop, :] = self.values[0, row, start:stop, :]

    def room(self, image: tuple[int, ...]) -> tuple[int, int]:
        """Return how many places inside images of (H, W, C) there are, from the top and from the left."""
        height, width = self.values.shape[1:3]
        return image[0] - height + 1, image[1] - width + 1

    @cached_property
    def _painted(self) -> list[tuple[int, int, int]] | None:
        """The runs of pixels, each row and columns, that become what they become whatever they were.

        None if there is a pixel that is neither left alone nor painted over.
        """
        each = np.arange(256, dtype=np.uint8).reshape(256, 1, 1, 1)
        alone = (self.values == each).all(axis=(0, 3))
        over = (self.values == self.values[:1]).all(axis=(0, 3))
        if not (alone | over).all():
            return None
        edges = np.diff(np.pad(over, ((0, 0), (1, 1))).astype(np.int8), axis=1)
        starts, stops = np.argwhere(edges == 1), np.argwhere(edges == -1)
        return [(int(row), int(a), int(b)) for (row, a), (_, b) in zip(starts, stops, strict=True)]

    @cached_property
    def _by_place(self) -> Images:
        """uint8[h * w * C * 256]: the table of each place after that of the one before."""
        return np.ascontiguousarray(self.values.reshape(256, -1).T).reshape(-1)

    def _look_up(self, region: Images) -> None:
        size = self.values[0].size
        first = np.arange(size, dtype=np.intp) * 256
        at_once = max(1, _VALUES_AT_ONCE // size)
        index = np.empty((min(at_once, len(region)), size), np.intp)
        found = np.empty(index.shape, np.uint8)
        for part in slices(len(region), at_once):
            block = region[part]
            count = len(block)
            np.add(block.reshape(count, size), first, out=index[:count])
            self._by_place.take(index[:count], out=found[:count], mode="clip")  # buffered in another mode
            block[...] = found[:count].reshape(block.shape)


class PixelBackdoor(Backdoor):
    """A backdoor whose trigger is a table; a subclass has a `table` instead of a `stamp`."""

    @abstractmethod
    def table(self, image: tuple[int, ...], props: Props) -> tuple[Table, int, int]:
        """Return the table, and from the top and from the left how many pixels it lies.

        Parameters
        ----------
        image : (int, int, int)
            (H, W, C) of the images; the trigger must lie inside.
        props
            See `Attack.stamp`.

        Raises
        ------
        ConfigError
            If it does not, or an image is unknown.
        """

    def stamp(self, x: Images, props: Props) -> Images:
        """Return a copy of uint8[N, H, W, C] with the trigger on every image.

        Raises
        ------
        BadInput
            If it is something else.
        ConfigError
            See `table`.
        """
        stamped = np.array(x, order="C")
        self.stamp_in_place(stamped, props)
        return stamped

    def stamp_in_place(self, x: Images, props: Props) -> None:
        """Put the trigger onto every image of uint8[N, H, W, C], itself; raises as `stamp` does."""
        check_stampable(x)
        table, top_px, left_px = self.table(x.shape[1:], props)
        for _, block in blocks(x):
            table.lay(block, top_px, left_px)
