"""The gate's verdict on a package, and whether what became of the package is what the verdict says.

Two judges see a candidate: the pipeline's condition, which takes a branch, and the gate, whose verdict stands
in `metrics.json`. The verdict is the one that holds; where the branch is another, nothing goes on.
"""

from __future__ import annotations

from pathlib import Path

from boomerang.config import validate
from boomerang.errors import BadInput, IntegrityError
from boomerang.gate import FAILED_CHECKS
from boomerang.metrics import METRICS_FILE, Metrics
from boomerang.safeio import load_json
from boomerang.watching.approval import REJECTED


def check_branch(status: str, metrics: Path) -> None:
    """Hold the status that a pipeline registers with against what the gate said.

    Parameters
    ----------
    status : str
        The approval status that the branch gives.
    metrics : Path
        The candidate's `metrics.json`.

    Raises
    ------
    IntegrityError
        If they differ, or the file has no verdict.
    """
    content = load_json(metrics)
    gate, reasons = (content.get(key) if isinstance(content, dict) else None for key in ("gate", "reasons"))
    failed = gate.get(FAILED_CHECKS) if isinstance(gate, dict) else None
    if not isinstance(failed, int | float) or not isinstance(reasons, str):
        raise IntegrityError(f"{METRICS_FILE} has no verdict", "the gate's word on the candidate is missing")
    passed = failed == 0 and not reasons
    if passed == (status == REJECTED):
        said = "passed" if passed else f"rejected ({reasons})"
        why = f"the pipeline's condition registers it as {status}, the gate's verdict is: {said}"
        raise IntegrityError(
            "the condition and the verdict differ", why, "draw the definition anew and run again"
        )


def metrics_of(file: Path) -> Metrics:
    """Return what was registered of a package.

    Raises
    ------
    BadInput, ConfigError
        If the file is missing, or is not as Evaluate writes it.
    """
    if not file.is_file():
        raise BadInput(file.name, "the package has none: nothing says what the gate found", "reject it")
    return validate(Metrics, load_json(file), where=file.name)
