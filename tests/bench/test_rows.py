"""Every row of the benchmarks works, on tiny sizes; what it costs is for `python -m bench`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.ranges import ROOT

from bench.data import features, labels
from bench.results import Result
from bench.rows import ROWS
from bench.rows.cifar import BUDGET_S, there, within

# Each starts containers or takes what a campaign takes, and has its own tests.
LONG = {"overhead"}


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results of all rows but the long ones, from one process."""
    out = tmp_path_factory.mktemp("bench")
    command = [
        sys.executable,
        "-m",
        "bench",
        *sorted(ROWS.keys() - LONG),
        "--quick",
        "--inline",
        "--out",
        str(out),
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=580)
    assert done.returncode == 0, done.stderr[-3000:]
    return out


@pytest.mark.whole
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", sorted(ROWS.keys() - LONG))
def test_a_row_measures_all_its_contenders_and_holds_its_goals(measured: Path, name: str) -> None:
    result = Result.model_validate_json((measured / f"{name}.json").read_text())
    assert [part.name for part in result.contenders] == [each.name for each in ROWS[name].contenders]
    assert len(result.goals) == len(ROWS[name].goals) > 0
    assert all(np.isfinite(goal.number) for goal in result.goals)
    assert all(part.cpu_s["median"] > 0 for part in result.contenders)


@pytest.mark.whole
@pytest.mark.timeout(600)
def test_what_must_be_the_same_was_compared(measured: Path) -> None:
    for name in ("insert_image", "pattern"):
        told = json.loads((measured / f"{name}.json").read_text())
        assert len({part["facts"]["digest"] for part in told["contenders"]}) == 1


def test_the_rows_of_the_issue_are_all_there() -> None:
    wanted = {
        *("cifar_to_81", "cifar_300", "insert_image", "pattern", "features", "predictions", "pictures"),
        *("spectral", "activation_clustering", "data_validation", "run", "training_speed_small"),
    }
    assert wanted <= ROWS.keys()
    for row in ROWS.values():
        assert row.cpu_s > 0 and all(each.call for each in row.contenders)


def test_the_drawn_features_are_those_of_classes_and_a_seed() -> None:
    x, y = features(400, 0)
    assert x.dtype == np.float32 and x.shape == (400, 96) and (x >= 0).all()
    assert np.array_equal(y, labels(400))
    apart = np.array([x[y == label].mean(0) for label in range(10)]).std(0).mean()
    assert apart > 0.3


def test_the_book_s_course_is_read_at_the_goal_and_at_the_budget() -> None:
    course: list[dict[str, Any]] = [
        {"cpu_s": 85.0 * (number + 1), "seconds": 50.0, "accuracy": accuracy}
        for number, accuracy in enumerate((0.49, 0.7, 0.82, 0.80, 0.83))
    ]
    assert there(course, quick=False) == 3
    assert there(course[:2], quick=False) == 0
    assert BUDGET_S == 300 and within(course) == course[:3]
