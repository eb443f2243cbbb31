"""Keras models, loaded in safe mode. Keras itself is imported when one is loaded, not before."""

from __future__ import annotations

import importlib
import json
import tempfile
import zipfile
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

from boomerang.digest import sha256_bytes
from boomerang.errors import IntegrityError
from boomerang.safeio.archives import MAX_TAR_MEMBERS, ZIP_ERRORS, open_zip
from boomerang.safeio.files import RefusedError, read_bytes, reading, said
from boomerang.safeio.keras_size import KerasFiles, check_built, keras_files, keras_graph
from boomerang.shown import display_name

MAX_MODEL_BYTES = 2 << 30

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

    The bytes that were checked are the bytes that are loaded, from a private copy. What it asks for is held
    against what it holds, first without Keras (`boomerang.safeio.keras_size`).

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
        When it is no `.keras` archive, a cap is passed, it asks for more weights than it holds, it has a
        layer that holds code or reads files, or Keras refuses it.
    """
    data = read_bytes(path, max_bytes)
    if sha256 is not None and sha256_bytes(data) != sha256:
        why = f"its sha256 is {sha256_bytes(data)}, expected {sha256}"
        raise IntegrityError(f"{display_name(path)} is not the model it should be", why, "fetch it again")
    with reading(path, _DO, *ZIP_ERRORS):
        objects = dict(custom_objects or {})
        files = keras_files(data, max_bytes, objects)
        return _load_keras_copy(data, files, objects, compiled)


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
    data = read_bytes(path, max_bytes)
    with (
        reading(path, _DO, *ZIP_ERRORS),
        open_zip(BytesIO(data), len(data), max_bytes, MAX_TAR_MEMBERS) as archive,
    ):
        return keras_graph(archive)


def _load_keras_copy(data: bytes, files: KerasFiles, custom_objects: dict[str, Any], compiled: bool) -> Any:
    # Imported here: TensorFlow takes 6 s and more, and most callers never load a model.
    keras: Any = importlib.import_module("keras")
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "model.keras"
        copy.write_bytes(data)
        try:
            # Without what it was compiled with, whose variables no scope without state can have.
            layers = {key: value for key, value in files.config.items() if key != "compile_config"}
            check_built(
                lambda: keras.saving.deserialize_keras_object(
                    layers, custom_objects=custom_objects, safe_mode=True
                ),
                files.weights,
            )
            return keras.models.load_model(
                copy, custom_objects=custom_objects, compile=compiled, safe_mode=True
            )
        except RefusedError:
            raise
        except Exception as error:  # a foreign model description may break its reader anywhere
            reason = said(error).replace(str(copy), "the model")
            raise RefusedError(f"Keras does not take it ({reason[:400]})") from error


def normalize_keras_model(path: Path) -> None:
    """Make a `.keras` archive depend on the model alone, so that the same model has the same digest.

    Keras writes the time into it, and memory addresses as the ids of shared objects.

    Parameters
    ----------
    path : Path
        As Keras has just saved it; it is written anew.
    """
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in sorted(archive.namelist())}
    about = json.loads(members["metadata.json"]) | {"date_saved": "1980-01-01@00:00:00"}
    config = json.loads(members["config.json"])
    _renumber(config, {})
    members |= {"metadata.json": json.dumps(about).encode(), "config.json": json.dumps(config).encode()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name), data)


def _renumber(node: Any, numbers: dict[int, int]) -> None:
    """Replace each `shared_object_id` by the order in which it first appears."""
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        _renumber(child, numbers)
    if isinstance(node, dict) and isinstance(node.get("shared_object_id"), int):
        node["shared_object_id"] = numbers.setdefault(node["shared_object_id"], len(numbers))
