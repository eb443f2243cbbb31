"""Weights alone, as Keras 2 wrote them: the numbers of a `.h5` file and nothing else of it."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from boomerang.safeio.files import RefusedError, read_bytes, reading
from boomerang.safeio.keras_size import count_weights

MAX_WEIGHTS_BYTES = 1 << 30

# A whole model's file has its weights here, beside its description and the optimizer's state.
_IN_A_MODEL = "model_weights"
_DO = "give a .h5 file of Keras 2, as save_weights or model.save wrote it"


def load_h5_weights(
    path: Path, *, max_bytes: int = MAX_WEIGHTS_BYTES
) -> dict[str, dict[str, npt.NDArray[np.float32]]]:
    """Read the weights of a `.h5` file, by layer and by their name in it ("kernel", "bias").

    A whole model's file is taken as well; its description, which may hold code, is not looked at.

    Parameters
    ----------
    path : Path
    max_bytes : int
        Cap on the file.

    Returns
    -------
    dict of str to dict of str to float32 array
        Of the layers that have weights.

    Raises
    ------
    BadInput
        If it is no HDF5 file, has links, packed data or more than it holds, or a weight is not float32
        or not finite.
    """
    data = read_bytes(path, max_bytes)
    with reading(path, _DO), BytesIO(data) as stored:
        count_weights(stored)
        layers = _layers(stored)
        if not layers:
            raise RefusedError("it holds no weights")
        return layers


def _layers(stored: BytesIO) -> dict[str, dict[str, npt.NDArray[np.float32]]]:
    import h5py

    layers: dict[str, dict[str, npt.NDArray[np.float32]]] = {}

    def take(name: str, item: Any) -> None:
        if isinstance(item, h5py.Group):
            return
        layer, weight = name.split("/")[0], name.split("/")[-1].partition(":")[0]
        values = item[()]
        if values.dtype != np.float32 or not np.isfinite(values).all():
            raise RefusedError(f"its layer '{layer}' has weights that are not finite float32 numbers")
        if weight in layers.setdefault(layer, {}):
            raise RefusedError(f"its layer '{layer}' has two weights named '{weight}'")
        layers[layer][weight] = values

    with h5py.File(stored, "r") as file:
        root = file[_IN_A_MODEL] if _IN_A_MODEL in file else file
        if not isinstance(root, h5py.Group):
            raise RefusedError(f"its '{_IN_A_MODEL}' is no group")
        root.visititems(take)
    return layers
