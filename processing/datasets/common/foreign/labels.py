"""Foreign labels: numbers, texts or one-hot rows, brought to one number of a named class each."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from boomerang.errors import BadInput
from boomerang.manifest import Labels
from boomerang.safeio import display_name
from processing.pictures.listing import natural_key

Raw = npt.NDArray[Any]


def composed(name: str) -> str:
    """Return a class name in Unicode's composed form: two that look alike are one."""
    return unicodedata.normalize("NFC", name)


def labeled(
    parts: Mapping[str, Raw], names: Sequence[str] | None
) -> tuple[tuple[Labels, ...], tuple[str, ...], tuple[str, ...]]:
    """Return labels as numbers of classes.

    Parameters
    ----------
    parts : mapping of str to array
        Of each split, by what its labels are called in errors, the training split first: of integers, of
        floats that are whole, of text, or one-hot, [N, K].
    names : sequence of str or None
        The classes, where they are known, in the order of the numbers from 0 on. Without them texts name
        themselves, and numbers are named by themselves: labels from 1 to 10 are the classes "1" to "10".

    Returns
    -------
    tuple of int64[N], tuple of str, tuple of str
        The labels of each part, the classes, and what was made of the labels, in words.

    Raises
    ------
    BadInput
        If they are no labels, or one is of no class.
    """
    flat, said = {}, []
    for what, raw in parts.items():
        flat[what], words = _flat(raw, what)
        said += [f"{what}: {words}"] if words else []
    texts = [what for what, values in flat.items() if values.dtype.kind == "U"]
    if texts and len(texts) < len(flat):
        other = next(what for what in flat if what not in texts)
        raise BadInput(texts[0], f"it is of text, and {other} of numbers", "give both in one way")
    first = next(iter(flat.values()))
    if texts:
        known = tuple(names) if names else tuple(sorted({str(v) for v in np.unique(first)}, key=natural_key))
        return tuple(_of_texts(v, what, known) for what, v in flat.items()), known, tuple(said)
    if names:
        return tuple(_of_numbers(v, what, names) for what, v in flat.items()), tuple(names), tuple(said)
    values = np.unique(first)
    if len(values) and not np.array_equal(values, np.arange(len(values))):
        span = f"from {values[0]} to {values[-1]}, {len(values)} of them"
        said.append(f"{next(iter(flat))}: labels {span}: each names its class")
    labels = tuple(_of_values(v, what, values) for what, v in flat.items())
    return labels, tuple(str(value) for value in values), tuple(said)


def _flat(raw: Raw, what: str) -> tuple[Raw, str]:
    """Return labels in one dimension, as int64 or as text, and what was done in words."""
    y = raw.reshape(-1) if raw.ndim == 2 and raw.shape[1] == 1 else raw
    if y.dtype.kind in "US":
        return _texts(y, what), ""
    if y.dtype.kind not in "biuf" or y.ndim not in (1, 2):
        raise BadInput(what, f"it is {raw.dtype}{list(raw.shape)}", "give one integer for each image")
    if y.ndim == 2:
        return _one_hot(y, what), f"one-hot of {y.shape[1]} columns, as numbers"
    if y.dtype.kind != "f":
        if y.dtype.kind == "u" and y.size and int(y.max()) > np.iinfo(np.int64).max:
            raise BadInput(what, f"one is {int(y.max()):,}", "number the classes from 0")
        return _checked(y.astype(np.int64), what), ""
    if not (np.isfinite(y).all() and (y == np.rint(y)).all() and (np.abs(y) < 2**53).all()):
        raise BadInput(what, f"it is {y.dtype} of no whole numbers", "give one integer for each image")
    return _checked(y.astype(np.int64), what), f"whole numbers in {y.dtype}, as integers"


def _checked(y: Labels, what: str) -> Labels:
    if y.size and y.min() < 0:
        count = int((y < 0).sum())
        why = f"one is {y.min():,}; {count:,} of {y.size:,} are below 0, which is no class"
        raise BadInput(what, why, "leave those rows out (keep = y >= 0), or number the classes from 0")
    return y


def _texts(y: Raw, what: str) -> Raw:
    if y.ndim != 1:
        raise BadInput(what, f"it is text{list(y.shape)}", "give one name for each image")
    try:
        names = np.char.decode(y, "utf-8") if y.dtype.kind == "S" else y
        return np.array([composed(str(name)) for name in names], dtype=np.str_)
    except UnicodeError:
        raise BadInput(what, "a name is no UTF-8", "save the names as UTF-8") from None


def _one_hot(y: Raw, what: str) -> Labels:
    ones = (y == 1).sum(axis=1)
    if not ((ones == 1).all() and np.isin(y, (0, 1)).all()):
        why = f"it is {y.dtype}{list(y.shape)}, and not every row is one-hot"
        raise BadInput(what, why, "say how yourself: y = y.argmax(axis=1), where each image has one class")
    return np.asarray(y.argmax(axis=1), np.int64)


def _of_texts(y: Raw, what: str, known: Sequence[str]) -> Labels:
    places = {composed(name): number for number, name in enumerate(known)}
    strange = next((str(name) for name in np.unique(y) if str(name) not in places), None)
    if strange is not None:
        why = f"'{display_name(strange)}' is none of the {len(known)} classes"
        raise BadInput(what, why, f"leave those rows out, or {_add(known)}")
    return np.array([places[str(name)] for name in y], np.int64)


def _of_numbers(y: Labels, what: str, names: Sequence[str]) -> Labels:
    high = int(y.max()) if y.size else 0
    if high >= len(names):
        why = f"one is {high:,}; there are {len(names):,} classes, from 0 to {len(names) - 1:,}"
        do = (
            f"name {high + 1:,} classes"
            if y.min() == 0
            else "number the classes from 0 (y = y - 1), or do not name them"
        )
        raise BadInput(what, why, do)
    return y


def _of_values(y: Labels, what: str, values: Labels) -> Labels:
    strange = np.setdiff1d(y, values)
    if strange.size:
        why = f"one is {strange[0]:,}, and no training row has that label"
        raise BadInput(what, why, f"leave those rows out, or {_add([str(v) for v in values])}")
    return np.asarray(np.searchsorted(values, y), np.int64)


def _add(known: Sequence[str]) -> str:
    return f"add training rows of that class to those of {len(known)}"
