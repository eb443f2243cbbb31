"""A model file that anybody may have made: which kind it is, told by its content, and opened as that."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from boomerang.safeio.files import RefusedError, reading, regular_file
from boomerang.safeio.h5_models import load_h5_model
from boomerang.safeio.models import MAX_MODEL_BYTES, load_keras_model
from boomerang.shown import display_name

HDF5, ZIP, GZIP = b"\x89HDF\r\n\x1a\n", b"PK\x03\x04", b"\x1f\x8b"
# Of a pickle the first bytes are its protocol; protocol 0 and 1 have no sign of their own.
_PICKLE = tuple(b"\x80" + bytes([protocol]) for protocol in range(2, 6))
_DO = "give a .keras or .h5 file of a whole model, or what Boomerang saves"
_TFLITE = b"TFL3"  # from the fifth byte on: the identifier of the FlatBuffers schema
_SAVED_MODEL, _OF_KERAS_2 = "saved_model.pb", "keras_metadata.pb"
_AGAIN = "save it as a .keras file where it was made: model.save('model.keras')"


def first_bytes(path: Path, max_bytes: int = MAX_MODEL_BYTES) -> bytes:
    """Return the first eight bytes of a regular file, which tell what it is.

    Raises
    ------
    BadInput
        When it is missing, not a regular file, empty or larger than the cap.
    """
    with reading(path, _DO), regular_file(path, max_bytes) as (stream, _):
        return stream.read(len(HDF5))


def load_foreign_model(path: Path, *, max_bytes: int = MAX_MODEL_BYTES) -> Any:
    """Load a model of a `.keras` or an HDF5 file, by its content; nothing in it is run.

    Raises
    ------
    BadInput
        When it is neither (a pickle, a SavedModel or TFLite is named); see `load_keras_model` and
        `load_h5_model` for the rest.
    """
    _refuse_folder(path)
    start = first_bytes(path, max_bytes)
    if start.startswith(HDF5):
        return load_h5_model(path, max_bytes=max_bytes)
    if start.startswith(ZIP):
        return load_keras_model(path, max_bytes=max_bytes)
    with reading(path, _DO):
        if start.startswith(_PICKLE):
            raise RefusedError("it is a pickle, which runs code when it is opened")
        if start.startswith(GZIP):
            raise RefusedError("it is packed with gzip: unpack it, and give the .keras or .h5 file in it")
    with reading(path, _AGAIN):
        if start[4:] == _TFLITE:
            raise RefusedError("it is a TFLite model, which has no gradients and cannot be trained further")
    with reading(path, _DO):
        raise RefusedError("it is no .keras and no HDF5 file")


def _refuse_folder(path: Path) -> None:
    """Refuse a folder; of a SavedModel it is said how the model in it becomes a file."""
    if not path.is_dir():
        return
    saved = (path / _SAVED_MODEL).is_file()
    do = _AGAIN if saved else _DO
    if saved and (path / _OF_KERAS_2).is_file():
        convert = f"import tf_keras; tf_keras.models.load_model('{display_name(path)}').save('model.h5')"
        do += f', or, if you trust who made it: python -c "{convert}"'
    with reading(path, do):
        if saved:
            raise RefusedError("it is a SavedModel, whose graph may read and write files when it is run")
        raise RefusedError("it is a folder")
