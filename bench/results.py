"""A row's result as JSON: all that its part of the page says."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from bench.contest import ROOT, Facts, Goal, Measured, Row
from bench.worker import rounded

RESULTS = ROOT / "bench" / "results"


class Part(BaseModel):
    """What was measured of one contender, see `bench.worker.Course.told`, and what it called."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    call: str
    cpu_s: dict[str, float]
    seconds: dict[str, float]
    memory_mb: float | None
    facts: dict[str, Any]


class Reached(BaseModel):
    """A goal, the number that was measured, and whether it is within the limit."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    words: str
    unit: str
    least: float | None
    most: float | None
    number: float
    reached: bool


class Result(BaseModel):
    """What one measurement found.

    Attributes
    ----------
    name, operation, notes
        Of the row.
    command : str
        That makes it.
    seed : int
    machine : mapping
        See `bench.machine.machine`; `busy` is the share of all cores that was in use meanwhile, by whomever.
    packages : mapping
        The versions of what was called.
    contenders, goals
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int = 1
    name: str
    operation: str
    notes: str
    command: str
    seed: int
    same: tuple[str, ...]
    machine: dict[str, Any]
    packages: dict[str, str]
    contenders: tuple[Part, ...]
    goals: tuple[Reached, ...]

    @classmethod
    def of(
        cls, row: Row, measured: Measured, seed: int, machine: Facts, packages: Mapping[str, str]
    ) -> Result:
        """Return the result of a row."""
        return cls(
            name=row.name,
            operation=row.operation,
            notes=row.notes,
            command=f"python -m bench {row.name}" + (f" --seed {seed}" if seed else ""),
            seed=seed,
            same=row.same,
            machine=machine,
            packages=dict(packages),
            contenders=tuple(
                Part(name=each.name, call=each.call, **measured[each.name]) for each in row.contenders
            ),
            goals=tuple(_held(goal, measured) for goal in row.goals),
        )

    @property
    def reached(self) -> bool:
        """Whether every goal was reached."""
        return all(goal.reached for goal in self.goals)


def _held(goal: Goal, measured: Measured) -> Reached:
    number = goal.number(measured)
    return Reached(
        words=goal.words,
        unit=goal.unit,
        least=goal.least,
        most=goal.most,
        number=rounded(number),
        reached=goal.reached(number),
    )


def write(path: Path, content: Any) -> None:
    """Write JSON as it is committed: by lines, in one order."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def save(result: Result, folder: Path = RESULTS) -> Path:
    """Write a result and return its file."""
    path = folder / f"{result.name}.json"
    write(path, result.model_dump(mode="json"))
    return path


def load(name: str, folder: Path = RESULTS) -> Result | None:
    """Return the result of a row, None where it was not measured."""
    path = folder / f"{name}.json"
    return Result.model_validate_json(path.read_text()) if path.exists() else None
