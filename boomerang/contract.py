"""The step contract: what a SageMaker job finds on its disk, with one root that can be moved.

A step never sees a bucket, a run or another step. It reads `/opt/ml`, writes `/opt/ml`, and says why
it stopped where SageMaker looks for it. `BOOMERANG_ML_ROOT` moves `/opt/ml` elsewhere, which is how
the same step runs as a plain subprocess.

    processing job   /opt/ml/processing/input/NAME     /opt/ml/processing/output/NAME
    training job     /opt/ml/input/data/NAME           /opt/ml/model, /opt/ml/output/data
    both             the channel `config` holds `config.json`, the step's own settings
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

from boomerang.config import validate
from boomerang.errors import BadInput, BoomerangError
from boomerang.safeio import load_json

ROOT_ENV = "BOOMERANG_ML_ROOT"
ML_ROOT = "/opt/ml"
CONFIG_CHANNEL = "config"
CONFIG_FILE = "config.json"
MODEL_FILE = "model.keras"

# SageMaker shows only the first 1,024 characters of either file.
_MESSAGE_CHARACTERS = 1024

Settings = TypeVar("Settings", bound=BaseModel)


@dataclass(frozen=True)
class Job:
    """One job's view of its disk.

    Attributes
    ----------
    root : Path
        What stands for `/opt/ml`.
    training : bool
        True for a training job, whose folders are laid out differently.
    """

    root: Path
    training: bool = False

    def input(self, name: str) -> Path:
        """Return the folder of an input; raises BadInput where the job was not given it."""
        path = self._input_root / name
        if not path.is_dir():
            given = ", ".join(sorted(p.name for p in self._input_root.glob("*"))) or "none"
            raise BadInput(f"input '{name}'", f"the job was given: {given}", f"put the data in {path}")
        return path

    def has_input(self, name: str) -> bool:
        """Whether the job was given that input."""
        return (self._input_root / name).is_dir()

    def output(self, name: str) -> Path:
        """Return the folder of an output; the step makes it in one piece."""
        return self.root / "processing" / "output" / name

    @property
    def model(self) -> Path:
        """The folder that SageMaker packs into `model.tar.gz` when a training job ends."""
        return self.root / "model"

    def settings(self, kind: type[Settings]) -> Settings:
        """Return the step's own settings, checked."""
        return validate(kind, load_json(self.input(CONFIG_CHANNEL) / CONFIG_FILE), where=CONFIG_FILE)

    @property
    def _input_root(self) -> Path:
        return self.root / ("input/data" if self.training else "processing/input")

    @property
    def _message_file(self) -> Path:
        return self.root / "output" / ("failure" if self.training else "message")

    def explain(self, message: str) -> None:
        """Leave the reason of a failure where SageMaker reads it."""
        self._message_file.parent.mkdir(parents=True, exist_ok=True)
        self._message_file.write_text(message[:_MESSAGE_CHARACTERS], encoding="utf-8")


def run_step(step: Callable[[Job], None], *, training: bool = False) -> None:
    """Run a step's function on the job of this process and end the process with its exit code.

    An error that a user can cause is one clear message; any other keeps its traceback in the log
    and its last line as the reason.
    """
    job = Job(Path(os.environ.get(ROOT_ENV, ML_ROOT)), training)
    try:
        step(job)
    except BoomerangError as error:
        job.explain(str(error))
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except Exception as error:
        job.explain(f"{type(error).__name__}: {error}")
        traceback.print_exc()
        sys.exit(1)
