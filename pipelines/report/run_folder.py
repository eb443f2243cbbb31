"""Reads a run's folder: what was configured, how each step went, and what Evaluate measured.

Everything is checked as it is read, so that the other modules of the report work on typed values.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from boomerang.config import Strict, validate
from boomerang.digest import digest_json
from boomerang.errors import BadInput
from boomerang.manifest import Images
from boomerang.metrics import Metrics
from boomerang.safeio import load_json, load_npy, safe_join
from pipelines.campaign.entry import EVALUATE
from pipelines.runs.lineage import LINEAGE, Lineage
from pipelines.runs.records import Execution, StepRecord, load_execution

EVALUATION = "evaluation"
FAIL = "Fail"
MODELS = ("baseline", "victim", "hardened")

_LOG_LINES = 30
_LOG_BYTES = 64 << 10


class Item(Strict):
    """One picture of a gallery: the label it was given, the right one, and what each model calls it."""

    id: str
    given: str | None = None
    right: str | None = None
    calls: dict[str, str] = Field(default_factory=dict)
    confidence: dict[str, float] = Field(default_factory=dict)


class Group(Strict):
    """A row of pictures; `before` holds the same ones without the trigger."""

    id: str
    kind: Literal["poisoned", "triggered", "pictures", "canaries", "trigger"]
    title: str
    attack: str | None = None
    images: str
    before: str | None = None
    items: tuple[Item, ...] = ()


class Gallery(Strict):
    """The whole of `gallery.json`."""

    groups: tuple[Group, ...] = ()


class DetectorEntry(Strict):
    """One entry of `detectors.json`; row k of `scores.npy` and `flagged.npy` is the k-th entry's."""

    name: str
    kind: str
    title: str = ""
    threshold: float | None = None
    notes: dict[str, Any] = Field(default_factory=dict)


class DetectorList(Strict):
    """The whole of `detectors.json`."""

    detectors: tuple[DetectorEntry, ...] = ()


@dataclass(frozen=True)
class Evaluation:
    """What Evaluate wrote.

    Attributes
    ----------
    folder : Path
    metrics : Metrics
    groups : tuple of Group
    detectors : tuple of DetectorEntry
        D of them.
    scores : float64[D, N]
    flagged : bool[D, N]
    attack_of : int8[N]
        0 is a clean row, k a row of the k-th attack of the recipe.
    versions : mapping
        Version of each package that took part.
    """

    folder: Path
    metrics: Metrics
    groups: tuple[Group, ...]
    detectors: tuple[DetectorEntry, ...]
    scores: npt.NDArray[np.float64]
    flagged: npt.NDArray[np.bool_]
    attack_of: npt.NDArray[np.int8]
    versions: dict[str, str]

    def images(self, name: str) -> Images:
        """Return an array of the gallery, uint8[n, H, W, C]; raises BadInput if it is another."""
        path = safe_join(self.folder, name)
        array = load_npy(path, kinds="u", ndim=4)
        if array.dtype != np.uint8 or array.shape[3] not in (1, 3):
            why = f"it holds {array.dtype}{list(array.shape)}"
            raise BadInput(path.name, why, "give uint8[n, H, W, 1 or 3]")
        return array


@dataclass(frozen=True)
class Run:
    """A run's folder as far as it got.

    Attributes
    ----------
    execution : Execution
    config : mapping
        The resolved config as plain JSON.
    definition_digest : str or None
    evaluation : Evaluation or None
        None if the run stopped before Evaluate had finished.
    lineage : Lineage or None
        None if no package was registered.
    """

    execution: Execution
    config: dict[str, Any]
    definition_digest: str | None
    evaluation: Evaluation | None
    lineage: Lineage | None = None

    @property
    def stopped_by(self) -> StepRecord | None:
        """The step that failed, other than the one that says the gate's rejection."""
        failed = (step for step in self.execution.steps if step.status == "Failed" and step.name != FAIL)
        return next(failed, None)

    def log_tail(self, step: StepRecord) -> str:
        """Return the last lines of a step's log; empty if it left none."""
        path = safe_join(self.execution.run_dir, step.log) if step.log else None
        if path is None or not path.is_file():
            return ""
        with path.open("rb") as stream:
            stream.seek(max(0, path.stat().st_size - _LOG_BYTES))
            text = stream.read().decode(errors="replace")
        return "\n".join(text.splitlines()[-_LOG_LINES:])


def read_run(folder: Path) -> Run:
    """Read a run's folder.

    Raises
    ------
    BadInput, ConfigError
        If a file is missing that every run leaves, or one is not as it should be.
    """
    execution = load_execution(folder)
    definition = folder / "definition.json"
    finished = execution.has(EVALUATE, EVALUATION)
    return Run(
        execution=execution,
        config=load_json(folder / "config.json"),
        definition_digest=digest_json(load_json(definition)) if definition.is_file() else None,
        evaluation=_evaluation(execution.path(EVALUATE, EVALUATION)) if finished else None,
        lineage=_lineage(folder / LINEAGE),
    )


def _lineage(file: Path) -> Lineage | None:
    return validate(Lineage, load_json(file), where=LINEAGE) if file.is_file() else None


def _evaluation(folder: Path) -> Evaluation:
    entries = {"detectors": load_json(folder / "detectors.json")}
    evaluation = Evaluation(
        folder=folder,
        metrics=validate(Metrics, load_json(folder / "metrics.json"), where="metrics.json"),
        groups=validate(Gallery, load_json(folder / "gallery.json"), where="gallery.json").groups,
        detectors=validate(DetectorList, entries, where="detectors.json").detectors,
        scores=load_npy(folder / "arrays" / "scores.npy", kinds="f", ndim=2),
        flagged=load_npy(folder / "arrays" / "flagged.npy", kinds="b", ndim=2),
        attack_of=load_npy(folder / "arrays" / "attack_of.npy", kinds="i", ndim=1),
        versions=load_json(folder / "versions.json"),
    )
    _check_shapes(evaluation)
    return evaluation


def _check_shapes(evaluation: Evaluation) -> None:
    wanted = (len(evaluation.detectors), len(evaluation.attack_of))
    for name, shape in (("scores", evaluation.scores.shape), ("flagged", evaluation.flagged.shape)):
        if shape != wanted:
            why = f"{name} is {list(shape)}, the detectors and rows are {list(wanted)}"
            raise BadInput("the evaluation does not fit together", why, "run Evaluate again")
