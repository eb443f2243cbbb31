"""What a training job leaves: a model, and what stands beside its weights.

    model.keras    the model, opened in safe mode alone
    record.npz     of a model that learned in steps, and honestly: what the training saw of each row
    model.json     its card, written last: it commits the rest

Whoever reads it gets them in `model.tar.gz`, as SageMaker packs them.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import Field

from boomerang.config import Strict, validate
from boomerang.digest import sha256_file
from boomerang.errors import BadInput, BoomerangError, IntegrityError
from boomerang.manifest import Labels
from boomerang.safeio import extract_tar, load_json, load_npz

Floats = npt.NDArray[np.float32]

ARCHIVE = "model.tar.gz"
MODEL_FILE = "model.keras"
RECORD_FILE = "record.npz"
CARD_FILE = "model.json"

_COLUMNS = {
    "margin": np.dtype(np.float32),
    "early_loss": np.dtype(np.float32),
    "y": np.dtype(np.int64),
}
_AGAIN = "run the training that makes it again"


class Part(Strict):
    """A repair that made a model, or a defense that wraps it.

    Attributes
    ----------
    kind, title : str
        Which one it is, and what people call it.
    settings : mapping
        All of them, also those that the config left to their defaults.
    notes : mapping
        What a repair found while it worked, as JSON. Two lists of as many numbers each, by their names, are a
        curve: the second over the first.
    """

    kind: str
    title: str
    settings: dict[str, Any]
    notes: dict[str, Any] = Field(default_factory=dict)


class GivenModel(Strict):
    """What a model was before it became one of ours: a file that somebody brought.

    Attributes
    ----------
    file_sha256 : str
    input_shape : (int, int, int)
        (H, W, C) of the images that it takes itself.
    scale : str
        What a black and a white pixel are to it: `0..255` also where its own layers scale them.
    features : str
        The layer whose output is `features`.
    accuracy : float
        On the trusted rows, which it did not learn from here.
    """

    file_sha256: str
    input_shape: tuple[int, int, int]
    scale: str
    features: str
    accuracy: float = Field(ge=0, le=1)


class ModelCard(Strict):
    """What stands beside the weights.

    Attributes
    ----------
    weights_sha256 : str
        The digest by which the model is known (`training.model.model_digest`): over the weights, the same for
        two trainings that ended in the same place; of a model that is wrapped, over its graph too.
    file_sha256 : str
        Of `model.keras`, checked before it is opened.
    record_sha256 : str or None
        Of `record.npz`; None where there is none.
    parents : mapping of str to str
        Digest of everything that it was made from, by the name of the job's input: of a committed folder
        the manifest's, of a model that by which it is known.
    history : mapping of str to tuple of float
        Loss and accuracy of each epoch, on the training and the validation rows.
    repairs : tuple of Part
        What made it, in order; none of a model that was simply trained.
    inference : tuple of Part
        What wraps it, from the inside out: defenses at inference that are part of the saved model.
    given : GivenModel or None
        None of a model that was trained here; the card of one that was given says 0 rows and no epochs.
    """

    architecture: str
    classes: tuple[str, ...]
    input_shape: tuple[int, int, int]
    parameters: int = Field(gt=0)
    seed: int
    parents: dict[str, str]
    rows: int
    weights_sha256: str
    file_sha256: str
    record_sha256: str | None = None
    history: dict[str, tuple[float, ...]]
    repairs: tuple[Part, ...] = ()
    inference: tuple[Part, ...] = ()
    given: GivenModel | None = Field(default=None, exclude_if=lambda given: given is None)


@contextmanager
def verified(folder: Path) -> Iterator[tuple[Path, ModelCard]]:
    """Give the saved model of a folder, or of the archive in it, to the byte as its card describes it.

    Needs no TensorFlow.

    Parameters
    ----------
    folder : Path
        It holds the model and its card, or `model.tar.gz` of them.

    Yields
    ------
    (Path, ModelCard)
        Where `model.keras` lies until the block ends, its record beside it, and its card.

    Raises
    ------
    BadInput
        If there is no model.
    IntegrityError
        Naming the file that is changed, missing, more than there should be, or cannot be read.
    """
    archive = folder / ARCHIVE
    if not archive.exists():
        yield folder / MODEL_FILE, _checked(folder, folder)
        return
    with tempfile.TemporaryDirectory() as scratch:
        _unpack(archive, Path(scratch))
        yield Path(scratch) / MODEL_FILE, _checked(Path(scratch), archive)


@dataclass(frozen=True)
class Record:
    """What a training saw of each row: first of those that it learned from, in the order that they came in.

    A row that it learned from was seen in its batch, as the model stood before that step: augmented, with
    batch norms and dropout as in training. The trusted rows follow, which it never learned from: the model
    was asked about them at the end of each epoch, as at inference.

    Attributes
    ----------
    margin : float32[N + M]
        The area under the margin (Pleiss et al. 2020): the logit of a row's label minus the largest other
        one, the mean over all epochs. Within -87.4..87.4, negative where the model mostly said another class.
    early_loss : float32[N + M]
        -log p of the label, without smoothing, in the epoch at a fifth of all, but not the first; 0..87.4.
    y : int64[N + M]
        The labels.
    learned : int
        N: the rows that it learned from.
    """

    margin: Floats
    early_loss: Floats
    y: Labels
    learned: int


def write_record(folder: Path, record: Record) -> str:
    """Write the record beside a model, and return the file's sha256."""
    columns = {name: value for name, value in vars(record).items() if name in _COLUMNS}
    np.savez(folder / RECORD_FILE, **columns)
    return sha256_file(folder / RECORD_FILE)


def open_record(folder: Path) -> Record | None:
    """Return the record of a folder that holds a model, None if there is none.

    Raises
    ------
    BadInput, IntegrityError
        See `verified`; also if it is no record of as many rows as the model learned from.
    """
    with verified(folder) as (file, card):
        if card.record_sha256 is None:
            return None
        try:
            columns = load_npz(file.with_name(RECORD_FILE), kinds="fi")
        except BadInput as error:
            raise _not_as_made(folder, f"{RECORD_FILE} cannot be read: {error.why}") from error
    found = {name: (column.dtype, column.ndim) for name, column in columns.items()}
    sizes = {len(column) for column in columns.values() if column.ndim}
    if found != {name: (dtype, 1) for name, dtype in _COLUMNS.items()} or len(sizes) > 1:
        raise _not_as_made(folder, f"{RECORD_FILE} does not hold the columns of a record")
    if max(sizes) < card.rows or not all(np.isfinite(column).all() for column in columns.values()):
        raise _not_as_made(
            folder, f"{RECORD_FILE} is not of the {card.rows} rows that the model learned from"
        )
    return Record(**columns, learned=card.rows)


def verify_model(folder: Path) -> ModelCard:
    """Return the card of a model that was verified, but not opened; see `verified`."""
    with verified(folder) as (_, card):
        return card


def _unpack(archive: Path, into: Path) -> None:
    try:
        extract_tar(archive, into)
    except BadInput as error:
        raise IntegrityError(f"{archive} cannot be read", error.why, _AGAIN) from error


def _checked(folder: Path, place: Path) -> ModelCard:
    """Return the card of a saved model; `place` is what the user knows the folder as."""
    found = {path.name for path in folder.glob("*")}
    if not found & {MODEL_FILE, CARD_FILE}:
        raise BadInput(
            f"no model in {place}", f"{CARD_FILE} is missing", "give the output of a training step"
        )
    wrong = [f"{name} is missing" for name in (MODEL_FILE, CARD_FILE) if name not in found]
    wrong += [f"{name} is not of the model" for name in sorted(found - {MODEL_FILE, RECORD_FILE, CARD_FILE})]
    if wrong:
        raise _not_as_made(place, "; ".join(wrong))
    card = _read_card(folder / CARD_FILE, place)
    for name, digest in ((MODEL_FILE, card.file_sha256), (RECORD_FILE, card.record_sha256)):
        if (sha256_file(folder / name) if name in found else None) != digest:
            raise _not_as_made(place, f"{name} is not the file that {CARD_FILE} describes")
    return card


def _read_card(path: Path, place: Path) -> ModelCard:
    try:
        return validate(ModelCard, load_json(path), where=CARD_FILE)
    except BoomerangError as error:
        raise _not_as_made(place, f"{CARD_FILE} cannot be read: {error.what}: {error.why}") from error


def _not_as_made(place: Path, why: str) -> IntegrityError:
    return IntegrityError(f"{place} is not what was made", why, _AGAIN)
