"""Pixel triggers that lie in a fixed place, or on every image in a place of its own.

On a training row the place is drawn beforehand from the attack's generator. What is measured is stamped
later, in blocks of any size and on shards: there the place is drawn from the image itself, so it is the same
whenever and with whichever others the image is stamped.
"""

from __future__ import annotations

from dataclasses import replace
from hashlib import blake2b
from typing import Literal

import numpy as np

from boomerang.blocks import blocks
from boomerang.manifest import Images, Rows
from processing.attacks.common.base import check_stampable
from processing.attacks.common.made import Made
from processing.attacks.common.pixels import PixelBackdoor, Table
from processing.attacks.common.pool import Batch, Pool, Props


class PlacedBackdoor(PixelBackdoor):
    """A pixel trigger that may lie anywhere.

    Parameters
    ----------
    place : str
        `fixed`, or `random`: on every image in a place of its own, each equally likely.
    """

    place: Literal["fixed", "random"] = "fixed"

    def poison(self, pool: Pool, rng: np.random.Generator) -> Batch:
        """Return the triggered rows; see `Backdoor.poison`."""
        batch = super().poison(pool, rng)
        if self.place == "fixed":
            return batch
        table, _, _ = self.table(pool.x.shape[1:], pool.images)
        places = rng.integers(0, table.room(pool.x.shape[1:]), size=(len(batch.origin), 2))

        def make(which: Rows) -> Images:
            images: Images = pool.x[batch.origin[which]]
            lay_each(table, images, places[which])
            return images

        return replace(batch, x=Made(batch.x.shape, make))

    def stamp_in_place(self, x: Images, props: Props) -> None:
        """Put the trigger onto every image of uint8[N, H, W, C], itself; see `PixelBackdoor.stamp`."""
        if self.place == "fixed":
            super().stamp_in_place(x, props)
            return
        check_stampable(x)
        table, _, _ = self.table(x.shape[1:], props)
        for _, block in blocks(x):
            lay_each(table, block, own_places(block, table.room(x.shape[1:])))


def own_places(x: Images, room: tuple[int, int]) -> Rows:
    """Return int64[N, 2]: for each image a place from the top and from the left, drawn from its own values.

    Parameters
    ----------
    x : uint8[N, H, W, C]
    room : (int, int)
        How many places there are from the top and from the left.

    >>> own_places(np.zeros((2, 8, 8, 3), np.uint8), (5, 5)).tolist()
    [[2, 2], [2, 2]]
    """
    drawn = b"".join(blake2b(image.tobytes(), digest_size=16).digest() for image in x)
    # 64 bits each: that some places are likelier by one in 2 ** 64 / room is far below what can be seen.
    return (np.frombuffer(drawn, "<u8").reshape(-1, 2) % np.array(room, np.uint64)).astype(np.int64)


def lay_each(table: Table, x: Images, places: Rows) -> None:
    """Put a trigger onto each image of uint8[N, H, W, C] itself, at its place of int64[N, 2]."""
    for number, (top_px, left_px) in enumerate(places):
        table.lay(x[number : number + 1], int(top_px), int(left_px))
