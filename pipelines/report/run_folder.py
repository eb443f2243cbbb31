"""Reads a run's folder: what was configured, how each step went, and what Evaluate measured.

Everything is checked as it is read, so that the other modules of the report work on typed values.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from boomerang.config import validate
from boomerang.digest import digest_json
from boomerang.errors import IntegrityError
from boomerang.formats.evaluation import KIND as EVALUATION
from boomerang.formats.evaluation import Evaluation, open_evaluation
from boomerang.safeio import load_json, safe_join
from pipelines.campaign.entry import EVALUATE
from pipelines.campaign.sections import Config
from pipelines.runs.lineage import LINEAGE, Lineage
from pipelines.runs.records import CONFIG, DEFINITION, Execution, StepRecord, load_execution
from processing.attacks.common.recipe import create_recipe

FAIL = "Fail"

_LOG_LINES = 30
_LOG_BYTES = 64 << 10


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
    IntegrityError
        If the gate's verdict is another than the branch that the run took.
    """
    execution = load_execution(folder)
    definition = folder / DEFINITION
    return Run(
        execution=execution,
        config=_config(folder / CONFIG),
        definition_digest=digest_json(load_json(definition)) if definition.is_file() else None,
        evaluation=read_evaluation(execution),
        lineage=_lineage(folder / LINEAGE),
    )


def read_evaluation(execution: Execution) -> Evaluation | None:
    """Read what Evaluate left of a run; None where it did not come so far. Raises as `read_run` does."""
    if not execution.has(EVALUATE, EVALUATION):
        return None
    evaluation = open_evaluation(execution.path(EVALUATE, EVALUATION))
    _check_branch(execution, evaluation)
    return evaluation


def _check_branch(execution: Execution, evaluation: Evaluation) -> None:
    if not any(step.type == "Condition" for step in execution.steps):
        return  # a cell of a campaign has no gate: its verdict opens no way
    taken = {("Succeeded", None): True, ("Failed", FAIL): False}.get(
        (execution.status, execution.failed_step)
    )
    verdict = evaluation.metrics.verdict
    if taken is not None and taken != verdict.passed:
        words = ("rejected", "passed")
        why = f"the run took the candidate as {words[taken]}, the gate's verdict on it is {words[not taken]}"
        raise IntegrityError(f"run {execution.run_id}", why, "run it again: no report is made of this")


def _config(file: Path) -> dict[str, Any]:
    """Return what a run was configured with, held against what an entry may be; attacks by their kinds."""
    config = validate(Config, load_json(file), where=file.name)
    create_recipe(config.attacks)
    return config.model_dump(mode="json")


def _lineage(file: Path) -> Lineage | None:
    return validate(Lineage, load_json(file), where=LINEAGE) if file.is_file() else None
