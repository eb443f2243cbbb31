"""How colors become gray: the one rule of the range, Pillow's."""

from __future__ import annotations

import numpy as np

from boomerang.manifest import Images

# ITU-R BT.601 luma in 16-bit fixed point, the weights that Pillow's mode L uses.
_LUMA = np.array((19595, 38470, 7471), np.uint32)


def luma(rgb: Images) -> Images:
    """Return uint8[..., 1], the gray of uint8[..., 3], as Pillow's mode L has it to the bit."""
    gray = (rgb.astype(np.uint32) @ _LUMA + (1 << 15)) >> 16
    return gray.astype(np.uint8)[..., None]
