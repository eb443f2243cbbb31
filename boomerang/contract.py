"""The step contract: what a SageMaker job finds on its disk, with one root that can be moved.

A step never sees a bucket, a run or another step. It reads `/opt/ml`, writes `/opt/ml`, and says why
it stopped where SageMaker looks for it. `BOOMERANG_ML_ROOT` moves `/opt/ml` elsewhere, which is how
the same step runs as a plain subprocess.

    processing job   /opt/ml/processing/input/NAME     /opt/ml/processing/output/NAME
    training job     /opt/ml/input/data/NAME           /opt/ml/model, /opt/ml/output/data
                     /opt/ml/checkpoints               there again when a stopped job starts again

A processing job finds its settings in its input `config`, a training job in its hyperparameters. Both
find the machines of the job in `resourceconfig.json`. Of an input that a person staged, as pictures and
settings are, the job's environment says the digest, and the input is held against it before the step begins:
who may write where it lies cannot write what the definition says. SIGTERM is how SageMaker ends a job early
(a spot machine is taken back, a user stops it, its time is up); SIGKILL follows two minutes later.
"""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel

from boomerang.config import from_hyperparameters, validate
from boomerang.digest import digest_tree
from boomerang.errors import EXIT_UNFORESEEN, BadInput, BoomerangError, IntegrityError, Stopped
from boomerang.safeio import load_json
from boomerang.shown import printable, shown

ROOT_ENV = "BOOMERANG_ML_ROOT"
ML_ROOT = "/opt/ml"
CONFIG_CHANNEL = "config"
CONFIG_FILE = "config.json"
_STAGED = "BOOMERANG_INPUT_"

# SageMaker shows only the first 1,024 characters of either file.
_MESSAGE_CHARACTERS = 1024

Settings = TypeVar("Settings", bound=BaseModel)


@dataclass(frozen=True)
class Hosts:
    """The machines of one job, in the order that all of them see.

    Attributes
    ----------
    names : tuple of str
        Host names; each can be reached from the others.
    current : str
        The one that this process runs on.
    """

    names: tuple[str, ...]
    current: str

    @property
    def index(self) -> int:
        """Which of them this is, from 0."""
        return self.names.index(self.current)

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.names)


_ALONE = Hosts(("algo-1",), "algo-1")


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
            given = ", ".join(self.inputs) or "none"
            raise BadInput(f"input '{name}'", f"the job was given: {given}", f"put the data in {path}")
        return path

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names of what the job was given."""
        return tuple(sorted(path.name for path in self._input_root.glob("*") if path.is_dir()))

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

    @property
    def checkpoints(self) -> Path:
        """The folder that outlives a training job which is stopped and started again."""
        return self.root / "checkpoints"

    def settings(self, kind: type[Settings]) -> Settings:
        """Return the step's own settings, checked."""
        if self.training:
            return from_hyperparameters(kind, load_json(self._config_root / "hyperparameters.json"))
        return validate(kind, load_json(self.input(CONFIG_CHANNEL) / CONFIG_FILE), where=CONFIG_FILE)

    def check_staged(self, environment: Mapping[str, str]) -> None:
        """Hold each input that the environment names a digest of against it (see `digest_variable`).

        Raises
        ------
        IntegrityError
            If other files are there than the job was made for.
        BadInput
            If the job was not given such an input.
        """
        for variable in sorted(key for key in environment if key.startswith(_STAGED)):
            name = variable.removeprefix(_STAGED).lower()
            if (found := digest_tree(self.input(name))) != environment[variable]:
                why = f"its files have the digest {found}, and the definition names {environment[variable]}"
                do = "find out who wrote where it lies; `deploy` says what is there that should not be"
                raise IntegrityError(f"input '{name}' is not what was staged", why, do)

    @property
    def hosts(self) -> Hosts:
        """The machines of this job; one, where nothing says otherwise.

        Raises
        ------
        BadInput
            If `resourceconfig.json` names no hosts, or not this one.
        """
        file = self._config_root / "resourceconfig.json"
        return _hosts(load_json(file), file) if file.is_file() else _ALONE

    @property
    def _config_root(self) -> Path:
        return self.root / ("input/config" if self.training else "config")

    @property
    def _input_root(self) -> Path:
        return self.root / ("input/data" if self.training else "processing/input")

    @property
    def _message_file(self) -> Path:
        return self.root / "output" / ("failure" if self.training else "message")

    def explain(self, message: str) -> None:
        """Leave the reason of a failure where SageMaker reads it."""
        self._message_file.parent.mkdir(parents=True, exist_ok=True)
        self._message_file.write_text(printable(message)[:_MESSAGE_CHARACTERS], encoding="utf-8")


def digest_variable(name: str) -> str:
    """Return the environment variable that names the digest of an input, whose name is in small letters."""
    return _STAGED + name.upper()


def _hosts(content: Any, file: Path) -> Hosts:
    match content:
        case {"hosts": [*names], "current_host": str(current)} if current in names:
            return Hosts(tuple(map(str, names)), current)
    why = "it does not say which hosts there are and which of them this is"
    raise BadInput(f"{file}", why, "it needs `hosts`, a list of names, and `current_host`, one of them")


@dataclass
class Stop:
    """Whether the job was told to stop."""

    asked: bool = field(default=False, init=False)


@contextmanager
def hold_stop() -> Iterator[Stop]:
    """Let a block end in its own time when the job is told to stop; it looks at `asked` and returns.

    Outside such a block SIGTERM raises `Stopped` wherever the step is. Where `asked` is true when the
    block ends, `Stopped` is raised there.
    """
    stop = Stop()

    def note(_number: int, _frame: Any) -> None:
        stop.asked = True

    before = signal.signal(signal.SIGTERM, note)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGTERM, before)
    if stop.asked:
        raise Stopped()


def _stopped(_number: int, _frame: Any) -> None:
    raise Stopped()


def run_step(step: Callable[[Job], None], *, training: bool = False) -> None:
    """Run a step's function on the job of this process and end the process with its exit code.

    An error that a user can cause is one clear message; any other keeps its traceback in the log
    and its last line as the reason. Once the step has ended, well or not, the process no longer listens to
    SIGTERM: where one of several hosts is done first, the others are told to stop in their very exit.
    Nothing is run on staged inputs that are not what the definition says.
    What the step prints is escaped, as names of classes and files are in it (see `boomerang.shown`).
    """
    job = Job(Path(os.environ.get(ROOT_ENV, ML_ROOT)), training)
    signal.signal(signal.SIGTERM, _stopped)
    with shown():
        _run(step, job)


def _run(step: Callable[[Job], None], job: Job) -> None:
    try:
        try:
            job.check_staged(os.environ)
            step(job)
        finally:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
    except BoomerangError as error:
        job.explain(str(error))
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except Exception as error:
        job.explain(f"{type(error).__name__}: {error}")
        traceback.print_exc()
        sys.exit(EXIT_UNFORESEEN)
