"""Contenders take turns, each with its own clock and memory; what they return is held against each other."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.ranges import ROOT

from bench.contest import Contender, Facts, Goal, Row, Setting, Task, cpu, memory, times_ours
from bench.harness import Options, measure
from bench.results import load, save
from bench.worker import Course
from boomerang.errors import StepFailed, UsageError

INLINE = Options(inline=True)


def contender(name: str, run: Callable[[], Any], facts: Callable[[Any], Facts] = lambda _: {}) -> Contender:
    return Contender(name, f"{name}()", lambda setting: Task(run, facts))


def row(*contenders: Contender, **settings: Any) -> Row:
    return Row(name="toy", operation="a toy", contenders=contenders, **{"runs": 2, "warm": False} | settings)


def course(tmp_path: Path, run: Callable[[], Any], facts: Callable[[Any], Facts] = lambda _: {}) -> Facts:
    made = Course(contender("it", run, facts), Setting(False, 0, tmp_path, tmp_path))
    made.run(timed=True)
    return made.told


def test_contenders_take_turns_and_the_first_round_is_not_timed() -> None:
    turns: list[str] = []
    toys = [contender(name, lambda name=name: turns.append(name)) for name in "ab"]
    result = measure(row(*toys, warm=True), INLINE)
    assert turns == ["a", "b"] * 3
    assert [part.cpu_s["runs"] for part in result.contenders] == [2, 2]


def test_the_memory_is_the_peak_above_what_was_there(tmp_path: Path) -> None:
    there = np.ones(20_000_000, np.uint8)
    told = course(tmp_path, lambda: np.ones(60_000_000, np.uint8).sum() + there[0])
    assert 55 < told["memory_mb"] < 75


def test_the_clock_counts_children_and_what_a_contender_does_not_count_it_says_itself(tmp_path: Path) -> None:
    code = "sum(range(6_000_000))"
    busy = course(tmp_path, lambda: subprocess.run([sys.executable, "-c", code], check=True))
    assert busy["cpu_s"]["median"] > 0.05
    told = course(tmp_path, lambda: None, lambda _: {"cpu_s": 12.5, "memory_mb": None, "rows": 3})
    assert (told["cpu_s"]["median"], told["memory_mb"], told["facts"]) == (12.5, None, {"rows": 3})


def test_what_a_run_changes_is_put_back_outside_the_clock(tmp_path: Path) -> None:
    x = np.zeros(3)
    made = Course(
        Contender("it", "x += 1", lambda _: Task(lambda: np.add(x, 1, x).sum(), _total, lambda: x.fill(0))),
        Setting(False, 0, tmp_path, tmp_path),
    )
    for _ in range(3):
        made.run(timed=True)
    assert made.told["facts"] == {"total": 3.0}


def _total(found: Any) -> Facts:
    return {"total": float(found)}


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [("a", "a", True), ("a", "b", False), ([1.0, 2.0], [1.0, 2.0001], True), ([1.0], [1.1], False)],
)
def test_results_that_must_be_the_same_are_or_the_measurement_fails(one: Any, other: Any, same: bool) -> None:
    toys = [
        contender(name, lambda: None, lambda _, d=d: {"digest": d}) for name, d in (("a", one), ("b", other))
    ]
    if same:
        told = measure(row(*toys, same=("a", "b")), INLINE)
        assert all(("digest" in part.facts) == isinstance(one, str) for part in told.contenders)
    else:
        with pytest.raises(StepFailed, match="not the same"):
            measure(row(*toys, same=("a", "b")), INLINE)


def test_a_goal_that_is_missed_is_written_as_missed(tmp_path: Path) -> None:
    toys = [
        contender(name, lambda: None, lambda _, s=s: {"cpu_s": s})
        for name, s in (("ours", 2.0), ("peer", 8.0))
    ]
    goals = (
        *(times_ours("peer", 3), times_ours("peer", 5), memory(1e6, "nothing")),
        Goal("seconds", lambda m: cpu(m, "ours"), most=1, unit="s"),
    )
    result = measure(row(*toys, goals=goals), INLINE)
    assert [goal.reached for goal in result.goals] == [True, False, True, False]
    assert [goal.number for goal in result.goals][:2] == [4, 4] and not result.reached
    save(result, tmp_path)
    assert load("toy", tmp_path) == result
    assert load("other", tmp_path) is None


def test_a_row_whose_needs_are_not_met_says_so() -> None:
    with pytest.raises(UsageError, match="no data"):
        measure(row(contender("a", lambda: None), lacks=lambda setting: "there is no data"), INLINE)


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bench", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=250)


def test_each_contender_runs_in_a_process_of_its_own(tmp_path: Path) -> None:
    done = bench("pictures", "--quick", "--out", str(tmp_path))
    assert done.returncode == 0, done.stderr
    told = json.loads((tmp_path / "pictures.json").read_text())
    assert [part["name"] for part in told["contenders"]] == ["ours", "book", "Pillow"]
    assert all(part["cpu_s"]["median"] > 0 for part in told["contenders"])
    assert [part["facts"]["rows"] for part in told["contenders"]] == [2, 2, 2]
    assert "def book(folder: Path)" in told["contenders"][1]["call"]
    assert str(Path.home()) not in json.dumps(told) and told["machine"]["cores"] >= 1


def test_a_contender_that_fails_is_named_with_what_it_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """In its own process: the row that is looked up there has another number of contenders."""
    from bench.rows import ROWS

    with pytest.raises(StepFailed, match="fourth of pictures: it ended with") as failed:
        many = (*ROWS["pictures"].contenders, contender("fourth", lambda: None))
        measure(Row("pictures", "pictures", many, warm=False), Options(quick=True))
    assert "IndexError" in str(failed.value)


def test_mistakes_on_the_command_line_are_told(tmp_path: Path) -> None:
    from bench.__main__ import main

    assert main(["patern", "--quick", "--out", str(tmp_path)]) == 2
    assert main(["pattern", "--quick"]) == 2  # it would overwrite what is committed
    assert main(["bundled", "--quick", "--out", str(tmp_path)]) == 2
    assert list(tmp_path.iterdir()) == []
