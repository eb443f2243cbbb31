"""The command line from end to end: the bundled campaign, fresh and again from its cache."""

from __future__ import annotations

from collections.abc import Callable

from bench.contest import Contender, Facts, Goal, Measured, Row, Setting, Task, source
from bench.rows.overhead import SMALL
from bench.staging import command, stage


def staged(setting: Setting) -> int:
    overrides = [*SMALL, "train.epochs=1"] if setting.quick else []
    state = {"XDG_STATE_HOME": str(setting.scratch / "state")}
    return stage(command(setting.scratch / "runs", "bench", overrides), state)


def _task(setting: Setting) -> Task:
    def facts(code: int) -> Facts:
        return {"exit_code": code, "memory_mb": None}

    return Task(lambda: staged(setting), facts)


def _seconds(name: str) -> Callable[[Measured], float]:
    return lambda measured: float(measured[name]["seconds"]["median"])


ROWS = (
    Row(
        name="run",
        operation="`make run` after the install: the bundled campaign, and once more",
        contenders=(
            Contender("fresh", source(staged), _task),
            Contender("again", "the same command once more: every step comes from the cache", _task),
        ),
        goals=(
            Goal("seconds of a fresh run", _seconds("fresh"), most=120, unit="s"),
            Goal("seconds of the run after it", _seconds("again"), most=5, unit="s"),
        ),
        runs=1,
        warm=False,
        notes="Seconds of the clock on two cores, because that is what one waits for; they hold for a "
        "machine that does nothing else.",
        cpu_s=250,
    ),
)
