"""How many images a network is asked about at once: few where its layers are wide, and block by block."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import numpy as np

from boomerang.blocks import blocks, rows_at_once, slices
from boomerang.manifest import Images

# Images asked about at once are this many or a divisor of it: what is cut at its multiples is cut between
# batches, whatever the network.
BATCH = 500
_WIDEST_BYTES = 32 << 20


def batch_of(model: Any) -> int:
    """Return how many images a model is asked about at once: as many as its widest layer has room for."""
    widest = max(_widths(model), default=1) * np.dtype(np.float32).itemsize
    return max((n for n in range(1, BATCH + 1) if BATCH % n == 0 and n * widest <= _WIDEST_BYTES), default=1)


def _widths(model: Any) -> Iterator[int]:
    """Give how many numbers each layer gives for an image, those of models within a model too."""
    for layer in getattr(model, "layers", ()):
        yield from _widths(layer)
        with suppress(AttributeError, ValueError):  # one that was never called has no output
            outputs = layer.output if isinstance(layer.output, list | tuple) else [layer.output]
            yield max(math.prod(size or 1 for size in out.shape[1:]) for out in outputs)


def batches(x: Images, batch: int) -> Iterator[tuple[slice, Images]]:
    """Give the batches of images, mapped or not, each with where it stands; no more than a block is held."""
    for block, images in blocks(x, max(1, rows_at_once(x) // BATCH) * BATCH):
        for part in slices(len(images), batch):
            yield slice(block.start + part.start, block.start + part.stop), np.ascontiguousarray(images[part])
