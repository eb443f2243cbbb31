"""The digits of scikit-learn: 1,797 handwritten digits, 8x8, that come with the package.

They are padded to 16x16 with black, so that a network with three strides of two has something left.
"""

from __future__ import annotations

import numpy as np

from processing.datasets.common.base import DIGITS, Source, Split, as_split, held_out

_TEST_SHARE = 0.25
_LEVELS = 16
_PAD_PX = 4


def load(seed: int) -> Source:
    """Return the digits as uint8[N, 16, 16, 1], a quarter of each class held out as the test set."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    levels = np.rint(bunch.images * (255 / _LEVELS)).astype(np.uint8)
    padded = np.pad(levels, ((0, 0), (_PAD_PX, _PAD_PX), (_PAD_PX, _PAD_PX)))
    whole: Split = as_split(padded, bunch.target, "digits")
    train, test = held_out(whole.y, _TEST_SHARE, np.random.default_rng(seed))
    return Source("sklearn-digits", DIGITS, whole.take(train), whole.take(test))
