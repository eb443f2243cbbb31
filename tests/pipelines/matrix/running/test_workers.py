from __future__ import annotations

import errno
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from boomerang.errors import StepFailed
from pipelines.matrix.running.workers import Schedule, Works, parallel_jobs
from pipelines.runners.base import Order
from pipelines.runs.records import Event, Execution


def cells(count: int) -> list[Any]:
    built = SimpleNamespace(definition={}, staged={})
    return [SimpleNamespace(cell=SimpleNamespace(id=f"c{n}"), config=None, built=built) for n in range(count)]


def schedule(
    folder: Path, run: Callable[[Order], Execution], *, count: int, jobs: int, told: list[Any] | None = None
) -> Schedule:
    works = Works(folder, folder / "cache", None, run, jobs, lambda run_dir: None)  # type: ignore[arg-type]
    said = [] if told is None else told
    return Schedule(cells(count), works, lambda ready, event: said.append((ready.cell.id, event)))


def ended(order: Order) -> Execution:
    return Execution(order.run_id, order.workspace / order.run_id, "Succeeded")


def test_every_cell_is_run_once_and_no_more_at_a_time_than_is_said(tmp_path: Path) -> None:
    running, most, ran, lock = 0, 0, [], threading.Lock()

    def run(order: Order) -> Execution:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
            ran.append(order.run_id)
        time.sleep(0.02)
        with lock:
            running -= 1
        return ended(order)

    schedule(tmp_path, run, count=9, jobs=3).run()
    assert sorted(ran) == [f"c{n}" for n in range(9)]
    assert most == 3


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (StepFailed("step Harden", "a defense raised"), "a defense raised"),
        (OSError(errno.ENOSPC, "No space left on device"), "No space left on device"),
        (ZeroDivisionError("division by zero"), "ZeroDivisionError"),
    ],
)
def test_one_cell_fails_alone_and_says_why(tmp_path: Path, error: Exception, said: str) -> None:
    told: list[Any] = []

    def run(order: Order) -> Execution:
        if order.run_id == "c1":
            raise error
        return ended(order)

    found = schedule(tmp_path, run, count=4, jobs=2, told=told)
    found.run()
    assert list(found.failures) == ["c1"] and said in found.failures["c1"]
    assert sorted(name for name, event in told if event is None) == [f"c{n}" for n in range(4)]
    (failed,) = [(name, event.kind) for name, event in told if event is not None]
    assert failed == ("c1", "failed")


def test_a_step_that_failed_is_named(tmp_path: Path) -> None:
    def run(order: Order) -> Execution:
        failed = {"status": "Failed", "failed_step": "Screen", "failure": "it raised"}
        return Execution(order.run_id, tmp_path, **failed)  # type: ignore[arg-type]  # of these texts

    found = schedule(tmp_path, run, count=1, jobs=1)
    found.run()
    assert found.failures == {"c0": "step Screen stopped: it raised"}


def test_an_interrupt_starts_no_job_any_more_and_is_no_failure(tmp_path: Path) -> None:
    started, ran = threading.Event(), []

    def run(order: Order) -> Execution:
        ran.append(order.run_id)
        started.set()
        for _ in range(1000):
            time.sleep(0.01)
            order.on_event(Event("Screen", "started"))
        return ended(order)

    found = schedule(tmp_path, run, count=5, jobs=2)
    real, calls = threading.Thread.join, 0

    def join(thread: threading.Thread, timeout: float | None = None) -> None:
        nonlocal calls
        real(thread, timeout)
        calls += 1
        if calls == 1:
            assert started.wait(10)
            raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(threading.Thread, "join", join)
        with pytest.raises(KeyboardInterrupt):
            found.run()
    assert 1 <= len(ran) <= 2 and found.failures == {}
    assert not [each for each in threading.enumerate() if each.name.startswith("campaign")]


def test_there_is_room_for_one_cell_at_the_least() -> None:
    assert parallel_jobs() >= 1
