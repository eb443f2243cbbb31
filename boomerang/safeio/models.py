"""Keras models, loaded in safe mode. Keras itself is imported when one is loaded, not before."""

from __future__ import annotations

import importlib
import tempfile
import zipfile
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

from boomerang.digest import sha256_bytes
from boomerang.errors import IntegrityError
from boomerang.safeio.archives import MAX_TAR_MEMBERS, ZIP_ERRORS, check_zip
from boomerang.safeio.files import RefusedError, read_bytes, reading, said
from boomerang.shown import display_name

MAX_MODEL_BYTES = 2 << 30

_GRAPH = "config.json"
_DO = "save it with model.save('model.keras') from standard layers"


def load_keras_model(
    path: Path,
    sha256: str | None = None,
    *,
    custom_objects: Mapping[str, Any] | None = None,
    compiled: bool = False,
    max_bytes: int = MAX_MODEL_BYTES,
) -> Any:
    """Load a `.keras` model in safe mode: it may not bring code of its own.

    The bytes that were checked are the bytes that are loaded, from a private copy.

    Parameters
    ----------
    path : Path
    sha256 : str, optional
        The digest the file must have; it is compared before Keras is even imported.
    custom_objects : mapping, optional
        Classes of ours that the model may name.
    compiled : bool
        Also restore optimizer and loss.
    max_bytes : int
        Cap on the file and on what it unpacks to.

    Returns
    -------
    keras.Model

    Raises
    ------
    IntegrityError
        When the digest is another.
    BadInput
        When it is no `.keras` archive, a cap is passed, or Keras refuses it.
    """
    data = read_bytes(path, max_bytes)
    if sha256 is not None and sha256_bytes(data) != sha256:
        why = f"its sha256 is {sha256_bytes(data)}, expected {sha256}"
        raise IntegrityError(f"{display_name(path)} is not the model it should be", why, "fetch it again")
    with reading(path, _DO, *ZIP_ERRORS):
        _graph_of(data, max_bytes)
        return _load_keras_copy(data, custom_objects, compiled)


def read_keras_graph(path: Path, *, max_bytes: int = MAX_MODEL_BYTES) -> bytes:
    """Return what a `.keras` archive says of the model's layers and how they hang together, as JSON.

    Parameters
    ----------
    path : Path
    max_bytes : int
        Cap on the file and on what it unpacks to.

    Raises
    ------
    BadInput
        When it is no `.keras` archive, or a cap is passed.
    """
    with reading(path, _DO, *ZIP_ERRORS):
        return _graph_of(read_bytes(path, max_bytes), max_bytes)


def _graph_of(data: bytes, max_bytes: int) -> bytes:
    """Hold an archive against the caps, and return its `config.json`."""
    with zipfile.ZipFile(BytesIO(data)) as archive:
        check_zip(archive, len(data), max_bytes, MAX_TAR_MEMBERS)
        if not {_GRAPH, "model.weights.h5"} <= set(archive.namelist()):
            raise RefusedError("it is a zip archive, but not a Keras model (.keras)")
        return archive.read(_GRAPH)


def _load_keras_copy(data: bytes, custom_objects: Mapping[str, Any] | None, compiled: bool) -> Any:
    # Imported here: TensorFlow takes 6 s and more, and most callers never load a model.
    keras: Any = importlib.import_module("keras")
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "model.keras"
        copy.write_bytes(data)
        try:
            return keras.models.load_model(
                copy, custom_objects=dict(custom_objects or {}), compile=compiled, safe_mode=True
            )
        except Exception as error:  # a foreign model description may break its reader anywhere
            reason = said(error).replace(str(copy), "the model")
            raise RefusedError(f"Keras does not take it ({reason[:400]})") from error
