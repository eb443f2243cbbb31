"""Foreign arrays held against what they should be and against each other; of images, the shapes alone."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from boomerang.blocks import blocks
from boomerang.errors import BadInput, ConfigError, nearest
from boomerang.safeio import display_name

# A report has a line for each, a canary a metric; predictions keep a class in 16 bits.
MAX_CLASSES = 10_000
_ROWS_AT_ONCE = 256
# What a split's arrays are called where they have no names.
IN_WORDS = ("the images", "the labels")


def check_images(
    dtype: np.dtype[Any],
    shape: tuple[int, ...],
    y: npt.NDArray[np.generic],
    what: str,
    names: tuple[str, str] = IN_WORDS,
) -> None:
    """Check what `as_split` checks, with of the images no more than dtype and shape."""
    images, labels = (f"{name} of {what}" for name in names)
    if dtype != np.uint8 or len(shape) not in (3, 4) or 0 in shape:
        do = "give uint8[N, H, W] or uint8[N, H, W, C], values 0..255, one image or more"
        raise BadInput(images, f"they are {dtype}{list(shape)}", do)
    if not np.issubdtype(y.dtype, np.integer) or y.size != shape[0]:
        why = f"they are {y.dtype}{list(y.shape)} for {shape[0]} images"
        raise BadInput(labels, why, "give one integer for each image")
    check_labels(y, labels)


def check_labels(y: npt.NDArray[np.generic], what: str, classes: Sequence[str] | None = None) -> None:
    """Check that labels are numbers of classes; without classes, of as many as there may be.

    Raises
    ------
    BadInput
        If there is none, or one is not.
    """
    most = MAX_CLASSES if classes is None else len(classes)
    if not y.size:
        raise BadInput(what, "there is none", "give at least one row of every class")
    low, high = int(y.min()), int(y.max())
    if low < 0 or high >= most:
        known = f"there are {most:,} classes" if classes else f"there may be {most:,} classes"
        raise BadInput(what, f"one is {low if low < 0 else high:,}; {known}", "number the classes from 0")


def check_class_names(classes: Sequence[str], what: str) -> None:
    """Check that classes can be told apart, written down and measured.

    Raises
    ------
    BadInput
        If there are fewer than two or more than `MAX_CLASSES`, or a name is blank, there twice or no
        Unicode.
    """
    why = ""
    if not 2 <= len(classes) <= MAX_CLASSES:
        why = f"it has {len(classes):,} classes, and 2 to {MAX_CLASSES:,} can be measured"
    name, times = Counter(classes).most_common(1)[0] if classes else ("", 0)
    if times > 1:
        why = f"it has two classes of one name, '{display_name(name)}'"
    for name in classes:
        if not name.strip() or re.search(r"[\ud800-\udfff]", name):
            why = f"it has a class named '{display_name(name)}', which is blank or no Unicode"
    if why:
        raise BadInput(what, why, "name every class, in UTF-8, and each otherwise")


def check_names(names: Sequence[str], known: Sequence[str]) -> None:
    """Refuse a class that the data does not have, with a ConfigError."""
    for name in names:
        if name not in known:
            raise ConfigError(
                f"'data.classes': class '{name}'", "the data has no such class", nearest(name, known)
            )


def check_fit(train: tuple[int, ...], test: tuple[int, ...], what: str) -> None:
    """Check that two arrays of images, by their shapes, are images of one size.

    Raises
    ------
    BadInput
        If they are not, or an image has no pixels.
    """
    if 0 in train[1:]:
        raise BadInput(what, f"its images have no pixels: {list(train[1:])}", "give images")
    if train[1:] != test[1:]:
        why = f"its training images are {list(train[1:])}, its test images {list(test[1:])}"
        raise BadInput(what, why, "bring all of them to one size and one number of channels")


def check_differ(x: npt.NDArray[np.generic], what: str) -> None:
    """Check that there is something to learn from: raises BadInput if all images are the same."""
    if all((block == x[0]).all() for _, block in blocks(x, _ROWS_AT_ONCE)):
        raise BadInput(what, "all of them are alike", "give images that differ")
