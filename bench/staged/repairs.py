"""What repairs of a model are worth: the attack's success after each, and after the re-tuning test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.results import RESULTS
from bench.staged.by_seed import BySeed, interval
from boomerang.scoring import Rate, rate

_RATES = ("asr", "accuracy", "retuned_asr", "retuned_floor")
Counts = Mapping[str, Mapping[str, int]]


@dataclass(frozen=True)
class RepairTable(BySeed):
    """A campaign of attacks and repairs, measured seed by seed."""

    def kept(self, matrix: Mapping[str, Any], folder: Path) -> dict[str, Any]:
        """Return what of a matrix of one seed the table is made of; see `BySeed.kept`."""
        titles = {row["id"]: row["title"] for row in matrix["rows"]}
        columns = []
        for column in matrix["columns"]:
            cells = [cell for cell in matrix["cells"] if cell["column"] == column["id"]]
            rows = [{"title": titles[cell["row"]], "numbers": _numbers(cell["numbers"])} for cell in cells]
            columns.append({"title": column["title"], "clean": column["clean"], "rows": rows})
        return {"columns": columns, "versions": matrix["versions"]}

    def table(self, folder: Path = RESULTS) -> list[str]:
        """Return the Markdown: a line for each attack and repair, of the images of all seeds together."""
        head = ("attack", "repair", "ASR", "after re-tuning (P-ASR)", "its floor", "accuracy", "CPU-s")
        lines = [f"| {' | '.join(head)} |", "| --- |" + " --- |" * (len(head) - 1)]
        for seeds in self.columns(folder):
            lines += [
                _line(seeds[0]["title"], same) for same in zip(*(s["rows"] for s in seeds), strict=True)
            ]
        return lines


def _numbers(numbers: Mapping[str, Any]) -> dict[str, Any]:
    counts = {
        key: {name: numbers[key][name] for name in ("successes", "total")} for key in _RATES if key in numbers
    }
    return (
        {**counts, "cpu_s": round(numbers["cpu_seconds"]["value"], 1)} if "cpu_seconds" in numbers else counts
    )


def _line(attack: str, seeds: Sequence[Mapping[str, Any]]) -> str:
    numbers = [each["numbers"] for each in seeds]
    asr, accuracy, again, floor = (_together(numbers, key) for key in _RATES)
    spent = [each["cpu_s"] for each in numbers if "cpu_s" in each]
    cells = (
        attack,
        seeds[0]["title"],
        interval(asr),
        interval(again),
        "–" if floor is None or floor.value is None else f"{100 * floor.value:.1f}",
        interval(accuracy),
        f"{sum(spent) / len(spent):.0f}" if spent else "–",
    )
    return f"| {' | '.join(cells)} |"


def _together(numbers: Sequence[Counts], key: str) -> Rate | None:
    """Return a rate of the cases of all seeds; None where none has it."""
    found = [each[key] for each in numbers if key in each]
    return rate(*(sum(each[name] for each in found) for name in ("successes", "total"))) if found else None


REPAIRS = {
    each.name: each
    for each in (
        RepairTable(
            "repairs_fashion",
            "three backdoors and every repair, with the re-tuning test, Fashion-MNIST, seed by seed",
            "repairs-fashion.toml",
            6000,
        ),
        RepairTable(
            "repairs_cifar10",
            "three backdoors and every repair, with the re-tuning test, CIFAR-10, seed by seed",
            "repairs-cifar10.toml",
            15000,
            "cifar10",
        ),
    )
}
