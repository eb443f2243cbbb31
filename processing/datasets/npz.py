"""One's own arrays: an `.npz` of Keras' layout, or a pair `x.npy` and `y.npy`.

A file `classes.json` beside them, a list of names, names the classes; without it they are numbers.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from boomerang.errors import BadInput
from boomerang.safeio import load_json, load_npy
from processing.datasets.common.base import Source, as_split, held_out
from processing.datasets.common.keras_files import from_npz, only_file

_TEST_SHARE = 0.2


def load(path: Path, seed: int) -> Source:
    """Read the arrays; a pair has a fifth of each class held out as the test set.

    Raises
    ------
    BadInput
        If there are no such arrays, or they are of another kind.
    """
    classes = _class_names(path)
    if not (path / "x.npy").exists():
        file = only_file(path, ".npz")
        return from_npz(file, file.stem, classes)
    whole = as_split(load_npy(path / "x.npy", kinds="u"), load_npy(path / "y.npy", kinds="iu"), path.name)
    train, test = held_out(whole.y, _TEST_SHARE, np.random.default_rng(seed))
    names = classes or tuple(str(k) for k in range(int(whole.y.max()) + 1))
    return Source(path.name, names, whole.take(train), whole.take(test))


def _class_names(path: Path) -> tuple[str, ...] | None:
    file = path / "classes.json"
    if not file.exists():
        return None
    names = load_json(file)
    if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
        raise BadInput(file.name, "it is no list of names", 'write ["cat", "dog"]')
    return tuple(names)
