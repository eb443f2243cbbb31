"""What a row of the benchmarks is: contenders, what each of them calls, and the goals that were set.

How to write one: in a file of `bench/rows`, one small function a contender, and a `Row` in its `ROWS`.
Nothing else has to name it. The functions' own source is what the page shows as the call.
"""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Facts = dict[str, Any]

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Setting:
    """What a contender is given.

    Attributes
    ----------
    quick : bool
        Whether tiny sizes will do: a test looks at whether it works.
    seed : int
    scratch : Path
        A folder that the contenders of one measurement share; it goes with it.
    kept : Path
        A folder that stays, for what takes long and goes on where it stopped.
    """

    quick: bool
    seed: int
    scratch: Path
    kept: Path

    def of(self, full: int, quick: int) -> int:
        """Return a size: in full, or for a test."""
        return quick if self.quick else full


def _nothing(*_: Any) -> Facts:
    return {}


@dataclass(frozen=True)
class Task:
    """What is timed, and what is then looked at outside the clock.

    Attributes
    ----------
    run : callable
        It is called several times.
    facts : callable
        Of what `run` returned: plain JSON for the result. `cpu_s`, `seconds` and `memory_mb` in it count
        instead of what was measured, where the call did what is not to be counted. `digest` is what
        contenders are compared by: a text must be equal, numbers within a thousandth.
    before : callable
        Called before each run, outside the clock: puts back what a run changes.
    """

    run: Callable[[], Any]
    facts: Callable[[Any], Facts] = _nothing
    before: Callable[[], Any] = _nothing


@dataclass(frozen=True)
class Contender:
    """One way to do what the row is about.

    Attributes
    ----------
    name : str
        `ours`, or who is called: `ART`.
    call : str
        The source of the call, or a sentence.
    prepare : callable
        Imports, makes the input and returns the task. The memory it takes is what the contender's is
        counted above.
    packages : tuple of str
        Whose versions are said.
    """

    name: str
    call: str
    prepare: Callable[[Setting], Task]
    packages: tuple[str, ...] = ()


Measured = Mapping[str, Facts]


@dataclass(frozen=True)
class Goal:
    """A number and its limit.

    Attributes
    ----------
    words : str
        What the number is: `ART's CPU-seconds over ours`.
    number : callable
        Of what was measured, by contender; see `bench.worker.Course.told`.
    least, most : float, optional
        One of them.
    unit : str
        `times`, `MB`, `s`, `%` or nothing.
    """

    words: str
    number: Callable[[Measured], float]
    least: float | None = None
    most: float | None = None
    unit: str = "times"

    def reached(self, number: float) -> bool:
        """Whether a number is within the limit."""
        return (self.least is None or number >= self.least) and (self.most is None or number <= self.most)


@dataclass(frozen=True)
class Row:
    """One row of the benchmarks.

    Attributes
    ----------
    name : str
        By which it is called and its result is known.
    operation : str
        What is done, with the size.
    contenders : tuple of Contender
        In the order in which they take turns.
    goals : tuple of Goal
    same : tuple of str
        Contenders whose `digest` must be equal; the measurement fails where they are not.
    runs : int
        How often each is timed.
    warm : bool
        Whether an untimed call comes first. Memory is that of the first call in either case.
    lacks : callable
        Says what this machine lacks for it; empty where nothing.
    notes : str
        What a reader of the numbers must know.
    cpu_s : int
        About how long the whole measurement takes, in CPU-seconds of two cores.
    """

    name: str
    operation: str
    contenders: tuple[Contender, ...]
    goals: tuple[Goal, ...] = ()
    same: tuple[str, ...] = ()
    runs: int = 5
    warm: bool = True
    lacks: Callable[[Setting], str] = field(default=lambda setting: "")
    notes: str = ""
    cpu_s: int = 60


def source(*functions: Callable[..., Any]) -> str:
    """Return the source of functions as it is shown, without their docstrings' indentation."""
    return "\n\n\n".join(textwrap.dedent(inspect.getsource(each)).rstrip() for each in functions)


def cpu(measured: Measured, name: str) -> float:
    """Return the median CPU-seconds of a contender."""
    return float(measured[name]["cpu_s"]["median"])


def times_ours(peer: str, least: float, ours: str = "ours") -> Goal:
    """Return the goal that a peer's CPU-seconds be at least so many times ours."""
    return Goal(f"CPU-seconds of {peer} over {ours}", lambda m: cpu(m, peer) / cpu(m, ours), least=least)


def memory(most: float, above: str, name: str = "ours") -> Goal:
    """Return the goal that a contender take no more memory than so many MB above what it was given."""
    return Goal(
        f"memory of {name} above {above}", lambda m: float(m[name]["memory_mb"]), most=most, unit="MB"
    )
