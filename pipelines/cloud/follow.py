"""An execution shown: once, or until it ends, as a table that is drawn anew or as a line for every change."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from rich.console import Console, Group
from rich.live import Live
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from aws.account import Account
from pipelines.cloud.status import ExecutionState, StepState, Surroundings, read_execution
from pipelines.page.terminal import open_console
from pipelines.runners import interrupts

# Between two looks at an execution: soon after something has changed, later while nothing does.
SOONEST_S, LATEST_S, SLOWER = 5.0, 60.0, 1.5

_STYLES = {
    "Succeeded": "green",
    "Failed": "bold red",
    "Stopped": "yellow",
    "Executing": "cyan",
    "Waiting": "dim",
}


def show(state: ExecutionState, around: Surroundings) -> None:
    """Print an execution, its failures with what to do, and what stands beside it."""
    console = open_console()
    console.print(table(state))
    for line in failures(state):
        console.print(line, soft_wrap=True, markup=False)
    show_surroundings(around)


def show_surroundings(around: Surroundings) -> None:
    """Print the newest packages and the alarms, a line each."""
    console = open_console()
    console.print(f"packages: {', '.join(around.packages) or 'none yet'}", markup=False, soft_wrap=True)
    raised = [name for name, state in around.alarms.items() if state == "ALARM"]
    unsure = [name for name, state in around.alarms.items() if state == "INSUFFICIENT_DATA"]
    said = [f"in ALARM: {', '.join(raised)}"] if raised else []
    said += [f"{len(unsure)} without data"] if unsure else []
    said += [f"{len(around.alarms) - len(raised) - len(unsure)} OK"]
    console.print(f"alarms: {'; '.join(said)}", markup=False, soft_wrap=True)


def table(state: ExecutionState) -> Table:
    """Return the steps as a table."""
    drawn = Table(title=f"{escape(state.name)}: {state.status}", title_justify="left")
    for title in ("step", "status", "time", ""):
        drawn.add_column(title, no_wrap=True)
    now = datetime.now(UTC)
    for step in state.steps:
        seconds = step.seconds(now)
        drawn.add_row(
            step.name,
            Text(step.status, _STYLES.get(step.status, "")),
            "" if seconds is None else say_time(seconds),
            "from the cache" if step.cached else "",
        )
    return drawn


def failures(state: ExecutionState) -> Iterator[str]:
    """Yield what failed, why, what to do, and where the log is."""
    failed = [step for step in state.steps if step.status == "Failed"]
    for step in failed:
        why = step.reason or "SageMaker gives no reason"
        yield why if step.is_gate else f"step {step.name} failed: {why}"  # the gate's says what it is
        yield from (f"  {line}" for line in (step.do, step.log) if line)
    if state.status == "Failed" and not failed:
        yield f"the execution failed: {state.reason or 'SageMaker gives no reason'}"


def say_time(seconds: float) -> str:
    """Return a time as a person says it.

    >>> say_time(75), say_time(3725)
    ('1:15', '1:02:05')
    """
    minutes, second = divmod(max(0, int(seconds)), 60)
    hour, minute = divmod(minutes, 60)
    return f"{hour}:{minute:02}:{second:02}" if hour else f"{minute}:{second:02}"


@dataclass
class _Lines:
    """Says every change of a step in one line, for where there is no terminal."""

    console: Console
    told: dict[str, str] = field(default_factory=dict)

    def update(self, state: ExecutionState) -> None:
        for step in state.steps:
            if step.status not in ("Waiting", self.told.get(step.name)):
                self.told[step.name] = step.status
                self.console.print(_line(step), markup=False, soft_wrap=True)


def _line(step: StepState) -> str:
    took = f" in {say_time(step.seconds(step.ended) or 0)}" if step.ended else ""
    return f"{step.name} {step.status}{took}{' (from the cache)' if step.cached else ''}"


def follow(account: Account, arn: str) -> ExecutionState:
    """Return an execution once it has ended, and show on the way what it does.

    Raises
    ------
    KeyboardInterrupt
        The execution goes on all the same.
    """
    console = open_console(stderr=True)
    if not console.is_terminal:
        lines = _Lines(console)
        return _poll(account, arn, lines.update)
    with Live(console=console, auto_refresh=False) as live:
        return _poll(account, arn, lambda state: live.update(Group(table(state)), refresh=True))


def _poll(account: Account, arn: str, update: Callable[[ExecutionState], None]) -> ExecutionState:
    pause, before = SOONEST_S, None
    while True:
        state = read_execution(account, arn)
        update(state)
        if state.has_ended:
            return state
        pause = SOONEST_S if state != before else min(LATEST_S, pause * SLOWER)
        before = state
        interrupts.check()
        time.sleep(pause)
