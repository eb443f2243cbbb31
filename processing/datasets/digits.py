"""The digits of scikit-learn: 1,797 handwritten digits, 8x8, that come with the package."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from processing.datasets.common.base import DIGITS, Source
from processing.datasets.common.corpus import Blueprint, Corpus, Request, as_split, held_out, sliced

_TEST_SHARE = 0.25
_LEVELS = 16
_PAD_PX = 4


class Digits(Source):
    """The digits of scikit-learn (Alpaydin and Kaynak 1998): 1,797 handwritten digits of 8x8 pixels.

    They are padded to 16x16 with black, so that a network with three strides of two has something left. A
    quarter of each class is held out as the test set.
    """

    title: ClassVar[str] = "scikit-learn's digits"
    words: ClassVar[str] = "handwritten digits of 8 × 8 pixels that come with scikit-learn"
    classes: ClassVar[tuple[str, ...] | None] = DIGITS
    image: ClassVar[tuple[int, ...] | None] = (16, 16)

    kind: Literal["digits"] = "digits"

    def blueprint(self, request: Request) -> Blueprint:
        """Return the digits as uint8[N, 16, 16, 1]."""
        return sliced(_load(request.seed))


def _load(seed: int) -> Corpus:
    from sklearn.datasets import load_digits

    bunch = load_digits()
    levels = np.rint(bunch.images * (255 / _LEVELS)).astype(np.uint8)
    padded = np.pad(levels, ((0, 0), (_PAD_PX, _PAD_PX), (_PAD_PX, _PAD_PX)))
    whole = as_split(padded, bunch.target, "digits")
    train, test = held_out(whole.y, _TEST_SHARE, np.random.default_rng(seed))
    return Corpus("sklearn-digits", DIGITS, whole.take(train), whole.take(test))
