"""Whole models in one HDF5 file (`.h5`), as Keras 2 and 3 write them, loaded without code of their own.

Keras' safe mode is not enough here: the description of such a file is in the old form, which names classes
without a module and may hold code in more places. So it is read and judged before Keras is imported, and
every class that it names has to be a layer, or a part of one, that Keras itself has.
"""

from __future__ import annotations

import importlib
import json
import tempfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

from boomerang.safeio.files import RefusedError, read_bytes, reading, said
from boomerang.safeio.keras_size import check_built, check_description, count_weights
from boomerang.safeio.models import MAX_MODEL_BYTES
from boomerang.safeio.text import json_value
from boomerang.shown import display_name

_DO = "give a .h5 file as model.save wrote it, of standard layers; weights alone do not do"
_DESCRIPTION, _WEIGHTS, _SHAPE = "model_config", "model_weights", "batch_input_shape"
# Models, the policy of a layer's numbers in Keras 2; a tuple, and what a layer was given.
_BESIDE_LAYERS = {
    *("Functional", "Model", "Sequential", "Policy"),
    *("__tuple__", "__keras_tensor__"),
}
_PARTS = ("layers", "initializers", "regularizers", "constraints", "dtype_policies")


def load_h5_model(path: Path, *, max_bytes: int = MAX_MODEL_BYTES) -> Any:
    """Load a whole model of an HDF5 file; optimizer and loss are left out.

    The bytes that were checked are the bytes that are loaded, from a private copy.

    Parameters
    ----------
    path : Path
    max_bytes : int
        Cap on the file.

    Returns
    -------
    keras.Model

    Raises
    ------
    BadInput
        When it is no HDF5 file, holds weights alone, names a class that is not of Keras (a Lambda, a custom
        object), has links or packed data, asks for more weights than it holds, or Keras refuses it.
    """
    data = read_bytes(path, max_bytes)
    with reading(path, _DO), BytesIO(data) as stored:
        weights = count_weights(stored)
        config = _description(stored)
        check_description(config, weights)
        return _load_copy(data, config, weights)


def _description(stored: BytesIO) -> Any:
    """Return what the file says of the layers."""
    import h5py  # type: ignore[import-untyped]  # it ships none; imported here, for models alone need it

    with h5py.File(stored, "r") as file:
        if _DESCRIPTION not in file.attrs or not isinstance(file.get(_WEIGHTS), h5py.Group):
            raise RefusedError("it holds no whole model, which has a description and weights")
        if file.attrs.get_id(_DESCRIPTION).shape != ():
            raise RefusedError(f"its '{_DESCRIPTION}' is no text")
        try:
            text = file.attrs[_DESCRIPTION]
        except Exception as error:  # a library fed foreign bytes may raise anything
            raise RefusedError(f"its '{_DESCRIPTION}' cannot be read ({said(error)})") from None
    if not isinstance(text, str | bytes):
        raise RefusedError(f"its '{_DESCRIPTION}' is no text")
    config = json_value(text.encode() if isinstance(text, str) else bytes(text))
    if not isinstance(config, dict) or not isinstance(config.get("config"), dict | list):
        raise RefusedError(f"its '{_DESCRIPTION}' describes no model")
    return config


def _load_copy(data: bytes, config: Any, weights: int) -> Any:
    # Imported here: TensorFlow takes 6 s and more.
    keras: Any = importlib.import_module("keras")
    for name in _classes(config):
        if name not in _BESIDE_LAYERS and not any(hasattr(getattr(keras, part), name) for part in _PARTS):
            raise RefusedError(f"it names {display_name(name[:80])}, which is not of Keras")
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "model.h5"
        copy.write_bytes(data)
        try:
            text = json.dumps(_with_inputs(config))
            check_built(lambda: _built(text), weights)
            model = _built(text)
            model.load_weights(copy)
        except RefusedError:
            raise
        except Exception as error:  # a foreign model description may break its reader anywhere
            reason = said(error).replace(str(copy), "the model")
            raise RefusedError(f"Keras does not take it ({reason[:400]})") from error
    return model


def _built(text: str) -> Any:
    """Return the model of a description, its weights as they are drawn."""
    old: Any = importlib.import_module("keras.src.legacy.saving")
    for name in ("json_utils", "saving_options", "saving_utils"):
        importlib.import_module(f"{old.__name__}.{name}")
    with old.saving_options.keras_option_scope(use_legacy_config=True):
        return old.saving_utils.model_from_config(old.json_utils.decode(text))


def _with_inputs(config: Any) -> Any:
    """Return a description in which every chain begins with an input, which Keras 2 could leave out.

    There the first layer has the shape; Keras 3 would take the rows of a batch for a side of the image. And
    the first versions had a list of layers for the whole of a chain.
    """
    if isinstance(config, list):
        return [_with_inputs(each) for each in config]
    if not isinstance(config, dict):
        return config
    config = {key: _with_inputs(value) for key, value in config.items()}
    if config.get("class_name") != "Sequential":
        return config
    inner = config["config"]
    chain = {"name": "chain", "layers": inner} if isinstance(inner, list) else inner
    return config | {"config": chain | {"layers": _begun(chain["layers"])}}


def _begun(layers: Any) -> Any:
    """Return the layers of a chain, the first of which is an input where their shape is known."""
    first = layers[0]["config"]
    if layers[0]["class_name"] == "InputLayer" or _SHAPE not in first:
        return layers
    given = {"name": f"{first['name']}_input", _SHAPE: first.pop(_SHAPE)}
    return [{"class_name": "InputLayer", "config": given}, *layers]


def _classes(config: Any) -> Iterator[str]:
    todo = [config]
    while todo:
        node = todo.pop()
        if isinstance(node, dict):
            if "class_name" in node:
                yield str(node["class_name"])
            todo.extend(node.values())
        elif isinstance(node, list):
            todo.extend(node)
