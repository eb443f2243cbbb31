"""What attacks reach where nobody defends: tables with a line for each, and what the catalogue says."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench.results import RESULTS
from bench.staged.by_seed import BySeed, interval
from boomerang.scoring import Rate, rate

_HEAD = ("", "ASR", "clean model's rate", "clean accuracy", "points lost", "PSNR, dB", "CPU-s")


# What of a cell is kept.
_RATES, _NUMBERS = ("asr", "accuracy", "clean_models_rate"), ("psnr", "poisoning")


@dataclass(frozen=True)
class AttackTable(BySeed):
    """A campaign without defenses, measured seed by seed.

    Attributes
    ----------
    where : str
        On what, and how the victims are trained.
    """

    where: str = ""

    def kept(self, matrix: Mapping[str, Any], folder: Path) -> dict[str, Any]:
        """Return what of a matrix of one seed the table is made of; see `BySeed.kept`."""
        cells = {cell["column"]: cell["numbers"] for cell in matrix["cells"] if cell["row"] == "nothing"}
        columns = []
        for column in matrix["columns"]:
            numbers = cells[column["id"]]
            rates = {
                key: {name: numbers[key][name] for name in ("successes", "total")}
                for key in _RATES
                if key in numbers
            }
            plain = {key: round(numbers[key]["value"], 4) for key in _NUMBERS if key in numbers}
            told = {key: column[key] for key in ("id", "title", "attack", "data", "clean")}
            columns.append(told | {"numbers": rates | plain})
        return {"columns": columns, "versions": matrix["versions"]}

    def table(self, folder: Path = RESULTS) -> list[str]:
        """Return the Markdown: a line for each attack, with the means over the seeds."""
        lines = [f"| {' | '.join(_HEAD)} |", "| --- |" + " --- |" * (len(_HEAD) - 1)]
        return [*lines, *(_line(column) for column in self._columns(folder))]

    def figures(self, folder: Path = RESULTS) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield the kind of each attack that poisons alone, and what it reached; see
        `pipelines.catalogue.expected.Reached`.
        """
        recipes = {each["name"]: each["recipe"] for each in self.campaign["attacks"]}
        for column in self._columns(folder):
            recipe = recipes.get(column.attack, ())
            if len(recipe) == 1:
                yield recipe[0]["kind"], {"data": self.where, **column.reached()}

    def _columns(self, folder: Path) -> list[_Column]:
        """Return each column of what was measured, over the seeds; none if it was not."""
        columns = [_Column.over(same) for same in self.columns(folder)]
        clean = {each.data: each.accuracy.value for each in columns if each.clean}
        return [replace(each, lost=(clean[each.data] or 0) - (each.accuracy.value or 0)) for each in columns]


@dataclass(frozen=True)
class _Column:
    """An attack over the seeds: rates of the images of all of them together, and means."""

    title: str
    attack: str
    data: str
    clean: bool
    seeds: int
    accuracy: Rate
    spread: Mapping[str, float]
    asr: Rate | None = None
    clean_models_rate: Rate | None = None
    psnr: float | None = None
    poisoning: float | None = None
    lost: float = 0.0

    @classmethod
    def over(cls, seeds: Sequence[Mapping[str, Any]]) -> _Column:
        """Return the column of the columns of all seeds."""
        (first, *_), numbers = seeds, [each["numbers"] for each in seeds]
        rates: dict[str, Any] = {}
        spread: dict[str, float] = {}
        for key in _RATES:
            if found := [each[key] for each in numbers if key in each]:
                rates[key] = rate(*(sum(each[name] for each in found) for name in ("successes", "total")))
                shares = [each["successes"] / each["total"] for each in found]
                spread[key] = statistics.stdev(shares) if len(shares) > 1 else 0.0
        plain = {key: statistics.mean(each[key] for each in numbers) for key in _NUMBERS if key in numbers[0]}
        told: dict[str, Any] = {key: first[key] for key in ("title", "attack", "data", "clean")}
        return cls(seeds=len(seeds), spread=spread, **told, **rates, **plain)

    def reached(self) -> dict[str, Any]:
        """Return what is said of it; see `pipelines.catalogue.expected.Reached`."""
        asr, clean = self.asr, self.clean_models_rate
        told = {
            "setting": self.title,
            "seeds": self.seeds,
            "clean_accuracy": _rounded(self.accuracy.value, 4),
            "lost": _rounded(self.lost, 4),
            "asr": asr and {name: _rounded(getattr(asr, name), 4) for name in ("value", "low", "high")},
            "clean_models_rate": clean and _rounded(clean.value, 4),
            "psnr": _rounded(self.psnr, 1),
            "cpu_s": _rounded(self.poisoning, 1),
        }
        return {name: value for name, value in told.items() if value is not None}


def figures(tables: Sequence[AttackTable], folder: Path = RESULTS) -> dict[str, list[dict[str, Any]]]:
    """Return by kind what attacks reached."""
    found: dict[str, list[dict[str, Any]]] = {}
    for each in tables:
        for kind, told in each.figures(folder):
            found.setdefault(kind, []).append(told)
    return dict(sorted(found.items()))


def _rounded(value: float | None, places: int) -> float | None:
    return None if value is None else round(value, places)


def _line(column: _Column) -> str:
    clean = column.clean_models_rate
    cells = (
        column.title,
        _said(column, "asr"),
        "–" if clean is None or clean.value is None else f"{100 * clean.value:.1f}",
        _said(column, "accuracy"),
        "" if column.clean else f"{100 * column.lost:.1f}",
        "–" if column.psnr is None else f"{column.psnr:.1f}",
        "–" if column.poisoning is None else f"{column.poisoning:.1f}",
    )
    return f"| {' | '.join(cells)} |".replace("|  |", "| |")


def _said(column: _Column, key: str) -> str:
    """Return a rate in percent with its interval, and how far the seeds differ."""
    found: Rate | None = getattr(column, key)
    spread = f" ± {100 * column.spread[key]:.1f}" if found and column.seeds > 1 else ""
    return f"{interval(found)}{spread}"


TABLES = {
    each.name: each
    for each in (
        AttackTable(
            "attacks_cifar10",
            "every attack on a model from scratch, CIFAR-10, seed by seed",
            "attacks-cifar10.toml",
            18000,
            "cifar10",
            where="CIFAR-10, 16,000 rows, from scratch",
        ),
        AttackTable(
            "attacks_cifar10_long",
            "attacks that take long to learn, CIFAR-10, seed by seed",
            "attacks-cifar10-long.toml",
            6000,
            "cifar10",
            "CIFAR-10, 40,000 rows, from scratch",
        ),
        AttackTable(
            "clean_label_cifar10",
            "clean-label attacks on a new head and from scratch, CIFAR-10, seed by seed",
            "clean-label-cifar10.toml",
            5500,
            "cifar10",
            where="CIFAR-10, 5,000 rows",
        ),
        AttackTable(
            "attacks_mnist",
            "Dioptra's and OWASP's attacks, MNIST, seed by seed",
            "attacks-mnist.toml",
            9000,
            "mnist",
            where="MNIST, 20,000 rows, from scratch",
        ),
        AttackTable(
            "matrix_svm_mnist",
            "the attacks on a linear support vector machine, MNIST, seed by seed",
            "svm-mnist.toml",
            2500,
            "mnist",
            where="MNIST, 100 rows of two classes, a linear support vector machine",
        ),
        AttackTable(
            "matrix_svm_cifar10",
            "the attacks on a support vector machine, CIFAR-10, seed by seed",
            "svm-cifar10.toml",
            2500,
            "cifar10",
            where="CIFAR-10, 100 rows of two classes, a support vector machine",
        ),
    )
}
