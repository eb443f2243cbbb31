"""What a training job leaves: a model, and what stands beside its weights.

    model.keras    the model, opened in safe mode alone
    model.json     its card, written last: it commits the pair

Whoever reads it gets the two in `model.tar.gz`, as SageMaker packs them.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import Field

from boomerang.config import Strict, validate
from boomerang.digest import sha256_file
from boomerang.errors import BadInput, BoomerangError, IntegrityError
from boomerang.safeio import extract_tar, load_json

ARCHIVE = "model.tar.gz"
MODEL_FILE = "model.keras"
CARD_FILE = "model.json"

_AGAIN = "run the training that makes it again"


class Part(Strict):
    """A repair that made a model, or a defense that wraps it.

    Attributes
    ----------
    kind, title : str
        Which one it is, and what people call it.
    settings : mapping
        All of them, also those that the config left to their defaults.
    """

    kind: str
    title: str
    settings: dict[str, Any]


class ModelCard(Strict):
    """What stands beside the weights.

    Attributes
    ----------
    weights_sha256 : str
        The digest by which the model is known (`training.model.model_digest`): over the weights, the same for
        two trainings that ended in the same place; of a model that is wrapped, over its graph too.
    file_sha256 : str
        Of `model.keras`, checked before it is opened.
    parents : mapping of str to str
        Digest of everything that it was made from, by the name of the job's input: of a committed folder
        the manifest's, of a model that by which it is known.
    history : mapping of str to tuple of float
        Loss and accuracy of each epoch, on the training and the validation rows.
    repairs : tuple of Part
        What made it, in order; none of a model that was simply trained.
    inference : tuple of Part
        What wraps it, from the inside out: defenses at inference that are part of the saved model.
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
    history: dict[str, tuple[float, ...]]
    repairs: tuple[Part, ...] = ()
    inference: tuple[Part, ...] = ()


@contextmanager
def verified(folder: Path) -> Iterator[tuple[Path, ModelCard]]:
    """Give the saved pair of a folder, or of the archive in it, to the byte as its card describes it.

    Needs no TensorFlow.

    Parameters
    ----------
    folder : Path
        It holds the pair, or `model.tar.gz` of one.

    Yields
    ------
    (Path, ModelCard)
        Where `model.keras` lies until the block ends, and its card.

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
    """Return the card of a pair; `place` is what the user knows the folder as."""
    found = {path.name for path in folder.glob("*")}
    if not found & {MODEL_FILE, CARD_FILE}:
        raise BadInput(
            f"no model in {place}", f"{CARD_FILE} is missing", "give the output of a training step"
        )
    wrong = [f"{name} is missing" for name in (MODEL_FILE, CARD_FILE) if name not in found]
    wrong += [f"{name} is not of the model" for name in sorted(found - {MODEL_FILE, CARD_FILE})]
    if wrong:
        raise _not_as_made(place, "; ".join(wrong))
    card = _read_card(folder / CARD_FILE, place)
    if sha256_file(folder / MODEL_FILE) != card.file_sha256:
        raise _not_as_made(place, f"{MODEL_FILE} is not the file that {CARD_FILE} describes")
    return card


def _read_card(path: Path, place: Path) -> ModelCard:
    try:
        return validate(ModelCard, load_json(path), where=CARD_FILE)
    except BoomerangError as error:
        raise _not_as_made(place, f"{CARD_FILE} cannot be read: {error.what}: {error.why}") from error


def _not_as_made(place: Path, why: str) -> IntegrityError:
    return IntegrityError(f"{place} is not what was made", why, _AGAIN)
