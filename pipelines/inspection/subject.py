"""The model that is inspected: a file or folder of whatever kind, opened without running anything of it."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from boomerang.errors import BadInput
from boomerang.formats.model import ARCHIVE, CARD_FILE, MODEL_FILE
from boomerang.safeio import GZIP, display_name, first_bytes, load_foreign_model
from pipelines.campaign.entry import BASELINE, HARDEN, VICTIM
from pipelines.runs.records import EXECUTION, Execution, load_execution
from training.foreign.adopted import adopt
from training.model import load_model

_MODEL = "model"
_DO = "give a .keras or .h5 file, a model.tar.gz, or the folder of a run, a package or a model"


@dataclass(frozen=True)
class Subject:
    """A model in the form of ours (`training.foreign.adopted`).

    Attributes
    ----------
    name : str
        What it is called: the name of its file or folder, without the way there.
    kind : str
        What it was opened as, in words.
    model : keras.Model
    classes : tuple of str
        Their names; numbers, where nothing tells the names.
    control : Path or None
        The folder of a model of the same task that no attacker could reach, where it is known: the baseline
        of a run.
    """

    name: str
    kind: str
    model: Any
    classes: tuple[str, ...]
    control: Path | None = None

    @property
    def shape(self) -> tuple[int, int, int]:
        """(H, W, C) of its images."""
        height, width, channels = self.model.input_shape[1:]
        return height, width, channels


def open_subject(path: Path, white: float | None = None) -> Subject:
    """Open what `inspect` was given.

    Parameters
    ----------
    path : Path
        A run's folder (its hardened model, else its victim), a package's, a model's, a `model.tar.gz`, or a
        foreign `.keras` or `.h5` file.
    white : float, optional
        What a white pixel is to a foreign model, 1 or 255; needed where its layers do not say it.

    Raises
    ------
    BadInput
        If there is no model, it would run code, is damaged, or is no classifier of images.
    IntegrityError
        If a model of ours is not what its card describes.
    UsageError
        See `adopt`.
    """
    name = display_name(path.resolve().name)
    if path.is_dir():
        return _of_folder(path, name, white)
    if first_bytes(path).startswith(GZIP):
        with tempfile.TemporaryDirectory() as folder:
            shutil.copyfile(path, Path(folder) / ARCHIVE)
            return _ours(Path(folder), name, "a model archive of Boomerang's", white)
    model = load_foreign_model(path)
    adopted = adopt(model, white, display_name(path))
    names = tuple(map(str, range(adopted.output_shape[1])))
    return Subject(name, "a foreign model file", adopted, names)


def _of_folder(path: Path, name: str, white: float | None) -> Subject:
    if (path / EXECUTION).is_file():
        run = load_execution(path)
        step = HARDEN if run.has(HARDEN, _MODEL) else VICTIM
        control = _folder(run, BASELINE) if run.has(BASELINE, _MODEL) else None
        kind = f"the model of the run's step {step}"
        return _ours(_folder(run, step), name, kind, white, control)
    if not any((path / each).exists() for each in (ARCHIVE, MODEL_FILE, CARD_FILE)):
        raise BadInput(display_name(path), "there is no model in it", _DO)
    with tempfile.TemporaryDirectory() as scratch:
        alone = path
        if (path / ARCHIVE).is_file():  # a package has more beside it
            alone = Path(scratch)
            shutil.copyfile(path / ARCHIVE, alone / ARCHIVE)
        return _ours(alone, name, "a model of Boomerang's", white)


def _folder(run: Execution, step: str) -> Path:
    return run.path(step, _MODEL).parent


def _ours(folder: Path, name: str, kind: str, white: float | None, control: Path | None = None) -> Subject:
    model, card = load_model(folder)
    return Subject(name, kind, adopt(model, white, name), card.classes, control)
