"""What is inside a `.keras` archive, held against its size before Keras is imported, and once more by it.

A description of a few kilobytes may ask for a layer of a billion units, and Keras makes the weights of a
layer before it reads them. So everything has to be in proportion to what lies in the archive: the weights are
really there, to the byte, no layer needs more of them than that, and no number of the description is beyond
them.

Safe mode alone does not do: it lets layers pass that read files or hold code of another framework.
"""

from __future__ import annotations

import math
import random
import zipfile
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from boomerang.safeio.archives import MAX_TAR_MEMBERS, open_zip
from boomerang.safeio.files import RefusedError, said
from boomerang.safeio.text import json_value
from boomerang.shown import display_name

GRAPH, ABOUT, WEIGHTS = "config.json", "metadata.json", "model.weights.h5"

MAX_LAYERS = 2_000
# Of each image, between two layers: that of VGG-16 on 224 x 224 is 3.2 million.
MAX_VALUES_BETWEEN = 1 << 22
# A number in the description: as many as there are weights, or a size that needs none.
_MAX_NUMBER = 1 << 16
_MAX_PRODUCT = 1 << 24
_MAX_GRAPH_BYTES = 8 << 20
_MAX_ARRAYS = 20_000
# State of Keras' own that a file may lack: seeds of dropout, counters.
_SPARE_VALUES = 10_000

# They hold code, run another framework's, or read files that the description names.
_NO_LAYERS = {
    "Lambda",
    "TFSMLayer",
    "TorchModuleWrapper",
    "JaxLayer",
    "FlaxLayer",
    "StringLookup",
    "IntegerLookup",
    "TextVectorization",
    "FeatureSpace",
    "__lambda__",
    "function",
}
# Any whole numbers, which ask for nothing.
_FREE_KEYS = {"seed", "shared_object_id", "start", "stop", "step"}


@dataclass(frozen=True)
class KerasFiles:
    """The description of a `.keras` archive, as bytes and read, and how many numbers its weights are."""

    graph: bytes
    config: Any
    weights: int


def keras_files(data: bytes, max_bytes: int, known: Collection[str] = ()) -> KerasFiles:
    """Hold an archive against its own size.

    Parameters
    ----------
    data : bytes
    max_bytes : int
        Cap on what it unpacks to.
    known : collection of str
        Classes of ours that it may name.

    Raises
    ------
    RefusedError
        If it is no Keras model, or asks for more than it holds.
    """
    with open_zip(BytesIO(data), len(data), max_bytes, MAX_TAR_MEMBERS) as archive:
        graph = keras_graph(archive)
        with BytesIO(archive.read(WEIGHTS)) as stored:
            weights = count_weights(stored)
    config = json_value(graph)
    check_description(config, weights, known)
    return KerasFiles(graph, config, weights)


def keras_graph(archive: zipfile.ZipFile) -> bytes:
    """Return the description of the layers in an open archive, whose members are those of a Keras model."""
    names = set(archive.namelist())
    if not {GRAPH, WEIGHTS} <= names:
        raise RefusedError("it is a zip archive, but not a Keras model (.keras)")
    if more := sorted(names - {GRAPH, ABOUT, WEIGHTS}):
        raise RefusedError(f"its member '{display_name(more[0])}' is none of a Keras model without files")
    if archive.getinfo(GRAPH).file_size > _MAX_GRAPH_BYTES:
        raise RefusedError(f"its description has more than {_MAX_GRAPH_BYTES:,} bytes")
    return archive.read(GRAPH)


# ---- the weights


def count_weights(stored: BytesIO) -> int:
    """Return how many numbers the weights in an HDF5 file are; all of them lie in it, plainly.

    Raises
    ------
    RefusedError
        If they do not, or it is no such file.
    """
    import h5py  # type: ignore[import-untyped]  # it ships none; imported here, for models alone need it

    size = stored.getbuffer().nbytes
    try:
        with h5py.File(stored, "r") as file:
            arrays = list(_arrays(file))
    except RefusedError:
        raise
    except Exception as error:  # a library fed foreign bytes may raise anything
        raise RefusedError(f"its weights cannot be read ({said(error)})") from None
    held = sum(math.prod(array.shape) * array.dtype.itemsize for array in arrays)
    if held > size:
        raise RefusedError(f"its weights claim {held:,} bytes, they are {size:,}")
    return sum(math.prod(array.shape) for array in arrays)


@dataclass(frozen=True)
class _Array:
    shape: tuple[int, ...]
    dtype: Any


def _arrays(root: Any) -> Iterator[_Array]:
    import h5py

    todo, seen = [("", root)], 0
    while todo:
        name, group = todo.pop()
        for key in group:
            seen += 1
            shown = display_name(f"{name}/{key}"[-80:])
            if seen > _MAX_ARRAYS:
                raise RefusedError(f"its weights are in more than {_MAX_ARRAYS:,} pieces")
            if not isinstance(group.get(key, getlink=True), h5py.HardLink):
                raise RefusedError(f"its weights '{shown}' are a link to somewhere else")
            item = group[key]
            if isinstance(item, h5py.Group):
                todo.append((f"{name}/{key}", item))
            else:
                yield _plain(item, shown)


def _plain(item: Any, shown: str) -> _Array:
    """Return a piece that is numbers, all there in one stretch: nothing that grows when it is read."""
    import h5py

    if not isinstance(item, h5py.Dataset) or item.shape is None or item.dtype.kind not in "biufV":
        raise RefusedError(f"its weights '{shown}' are no numbers")
    held = math.prod(item.shape) * item.dtype.itemsize
    elsewhere = item.is_virtual or item.external
    if elsewhere or item.chunks is not None or item.id.get_storage_size() != held:
        why = "lie in another file" if elsewhere else f"claim {held:,} bytes that are not there, or packed"
        raise RefusedError(f"its weights '{shown}' {why}")
    return _Array(item.shape, item.dtype)


# ---- the description


def _nodes(config: Any) -> Iterator[tuple[str, Any]]:
    """Give every value of the description with the key that it, or the list around it, stands under."""
    todo = [("", config)]
    while todo:
        key, value = todo.pop()
        yield key, value
        if isinstance(value, dict):
            todo.extend(value.items())
        elif isinstance(value, list):
            todo.extend((key, item) for item in value)


def check_description(config: Any, weights: int, known: Collection[str] = ()) -> None:
    """Refuse a description that names what is not of Keras, or asks for more than there are weights.

    Raises
    ------
    RefusedError
    """
    _check_classes(config, known)
    _check_numbers(config, weights)


def _check_classes(config: Any, known: Collection[str]) -> None:
    layers = 0
    for key, node in _nodes(config):
        if not isinstance(node, dict) or "class_name" not in node:
            continue
        name, module = str(node["class_name"]), str(node.get("module") or "keras")
        if name in known:
            continue
        if name in _NO_LAYERS:
            raise RefusedError(f"it has a {display_name(name)}, which holds code or reads files")
        if module.partition(".")[0] != "keras" or ">" in name:
            raise RefusedError(f"it names {display_name(f'{module}.{name}'[:80])}, which is not of Keras")
        layers += key == "layers"
    if layers > MAX_LAYERS:
        raise RefusedError(f"it has {layers:,} layers, the limit is {MAX_LAYERS:,}")


def _check_numbers(config: Any, weights: int) -> None:
    most, needed = max(_MAX_NUMBER, weights), 0
    for key, node in _nodes(config):
        if key in _FREE_KEYS:
            continue
        if isinstance(node, int) and abs(node) > most:
            raise RefusedError(f"its '{display_name(key[:40])}' is {node:,}, the limit is {most:,}")
        if isinstance(node, list) and _product(node) > _MAX_PRODUCT:
            why = f"its '{display_name(key[:40])}' is {str(node)[:80]}, the limit is {_MAX_PRODUCT:,} in all"
            raise RefusedError(why)
        if isinstance(node, dict) and isinstance(node.get("config"), dict):
            needed += _least_weights(str(node.get("class_name")), node["config"])
    if needed > weights:
        raise RefusedError(f"its layers need {needed:,} weights or more, it holds {weights:,}")


def _product(numbers: list[Any]) -> int:
    return math.prod(abs(n) for n in numbers[:16] if isinstance(n, int) and n)


def _least_weights(name: str, config: Mapping[str, Any]) -> int:
    """Return how many weights a layer has at the least, whatever comes into it."""

    def said_of(key: str) -> int:
        value = config.get(key)
        numbers = value if isinstance(value, list) else [value]
        return math.prod(n for n in numbers if isinstance(n, int) and n > 0) if value else 0

    if name == "Embedding":
        return said_of("input_dim") * said_of("output_dim")
    if name.startswith("Conv") and "LSTM" not in name:
        return said_of("filters") * max(1, said_of("kernel_size"))
    return max(said_of("units"), said_of("filters"), said_of("num_heads") * said_of("key_dim"))


# ---- once Keras is there


def check_built(build: Callable[[], Any], weights: int) -> None:
    """Build a model without its weights, and refuse one that needs more of them than there are.

    Parameters
    ----------
    build : callable
        Returns it, made by Keras of its description.
    weights : int
        How many there are.

    Raises
    ------
    RefusedError
        Also if what passes between two of its layers is more than `MAX_VALUES_BETWEEN` for an image.
    """
    import keras

    drawn = random.getstate()  # Keras draws a seed for each initializer, and the training after it goes on
    scope = keras.StatelessScope(initialize_variables=False)
    try:
        with scope:
            _check_sizes(build(), weights)
            scope.initialize_variables = True  # Keras keeps a list of them, which is empty after it
    except RefusedError:
        keras.utils.clear_session()
        raise
    finally:
        random.setstate(drawn)


def _check_sizes(model: Any, weights: int) -> None:
    needed = sum(math.prod(variable.shape) for variable in model.variables)
    if needed > weights + _SPARE_VALUES:
        raise RefusedError(f"its layers need {needed:,} weights, it holds {weights:,}")
    for operation in getattr(model, "operations", model.layers):
        for tensor in _outputs(operation):
            values = math.prod(size or 1 for size in tensor.shape)
            if values > MAX_VALUES_BETWEEN:
                why = f"gives {values:,} numbers for an image, the limit is {MAX_VALUES_BETWEEN:,}"
                raise RefusedError(f"its layer '{display_name(operation.name)}' {why}")


def _outputs(operation: Any) -> Iterator[Any]:
    for node in operation._inbound_nodes:
        yield from node.output_tensors
