"""The branch that a pipeline took, held against the gate's verdict before anything is registered."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from boomerang.errors import BadInput, BoomerangError, ConfigError
from pipelines.registry.verdict import check_branch, metrics_of

PASSED = {"gate": {"failed_checks": 0}, "reasons": ""}
REJECTED = {"gate": {"failed_checks": 1}, "reasons": "it is poisoned"}


def written(folder: Path, content: Any) -> Path:
    file = folder / "metrics.json"
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    return file


@pytest.mark.parametrize(("content", "status"), [(PASSED, "PendingManualApproval"), (REJECTED, "Rejected")])
def test_a_branch_that_the_verdict_says_is_let_go(tmp_path: Path, content: Any, status: str) -> None:
    check_branch(status, written(tmp_path, content))


@pytest.mark.parametrize(
    ("content", "status", "why"),
    [
        (REJECTED, "PendingManualApproval", "the gate's verdict is: rejected \\(it is poisoned\\)"),
        (REJECTED, "Approved", "rejected"),
        (PASSED, "Rejected", "the gate's verdict is: passed"),
        ({"gate": {"failed_checks": 0}, "reasons": "odd"}, "PendingManualApproval", "rejected \\(odd"),
        ({"gate": {"failed_checks": 1}, "reasons": ""}, "PendingManualApproval", "rejected"),
        ({"gate": {}, "reasons": ""}, "PendingManualApproval", "has no verdict"),
        ({"reasons": ""}, "PendingManualApproval", "has no verdict"),
        ([], "Rejected", "has no verdict"),
        ("{", "Rejected", ""),
    ],
)
def test_any_other_is_refused(tmp_path: Path, content: Any, status: str, why: str) -> None:
    with pytest.raises(BoomerangError) as refused:
        check_branch(status, written(tmp_path, content))
    assert why.replace("\\", "") in str(refused.value)


def test_metrics_that_are_no_evaluation_s_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="nothing says what the gate found"):
        metrics_of(tmp_path / "metrics.json")
    with pytest.raises(ConfigError):
        metrics_of(written(tmp_path, PASSED))
