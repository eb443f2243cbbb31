"""What attacks reach where nobody defends: tables with a line for each, and what the catalogue says."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.results import RESULTS
from bench.staged.matrices import CAMPAIGNS, Matrices

_HEAD = ("", "ASR", "clean model's rate", "clean accuracy", "points lost", "PSNR, dB", "CPU-s")


@dataclass(frozen=True)
class AttackTable(Matrices):
    """A campaign without defenses.

    Attributes
    ----------
    where : str
        On what, and how the victims are trained.
    """

    where: str = ""

    def table(self, folder: Path = RESULTS) -> list[str]:
        """Return the Markdown: a line for each attack, with the means over the seeds."""
        lines = [f"| {' | '.join(_HEAD)} |", "| --- |" + " --- |" * (len(_HEAD) - 1)]
        return [*lines, *(_line(column, numbers) for column, numbers in self._columns(folder))]

    def figures(self, folder: Path = RESULTS) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield the kind of each attack that poisons alone, and what it reached; see
        `pipelines.catalogue.expected.Reached`.
        """
        recipes = {
            each["name"]: each["recipe"]
            for each in tomllib.loads((CAMPAIGNS / self.file).read_text())["attacks"]
        }
        for column, numbers in self._columns(folder):
            recipe = recipes.get(column["attack"], ())
            if len(recipe) == 1:
                told = {"data": self.where, "setting": column["title"], **_reached(numbers)}
                yield recipe[0]["kind"], told

    def _columns(self, folder: Path) -> Iterator[tuple[Mapping[str, Any], dict[str, Any]]]:
        """Yield each column of what was measured, with its numbers; none if it was not."""
        path = folder / f"{self.name}.json"
        matrix = json.loads(path.read_text())["matrix"] if path.exists() else {"columns": (), "cells": ()}
        cells = {cell["column"]: cell["numbers"] for cell in matrix["cells"] if cell["row"] == "nothing"}
        clean = {each["data"]: cells[each["id"]] for each in matrix["columns"] if each["clean"]}
        for column in matrix["columns"]:
            numbers = dict(cells[column["id"]])
            untouched = clean[column["data"]]["accuracy"]
            yield column, numbers | {"lost": untouched["value"] - numbers["accuracy"]["value"]}


def figures(tables: Sequence[AttackTable], folder: Path = RESULTS) -> dict[str, list[dict[str, Any]]]:
    """Return by kind what attacks reached."""
    found: dict[str, list[dict[str, Any]]] = {}
    for each in tables:
        for kind, told in each.figures(folder):
            found.setdefault(kind, []).append(told)
    return dict(sorted(found.items()))


def _reached(numbers: Mapping[str, Any]) -> dict[str, Any]:
    asr = numbers.get("asr")
    told = {
        "seeds": len(numbers["accuracy"]["by_seed"]),
        "clean_accuracy": round(numbers["accuracy"]["value"], 4),
        "lost": round(numbers["lost"], 4),
        "asr": asr and {name: round(asr[name], 4) for name in ("value", "low", "high")},
        "clean_models_rate": _value(numbers, "clean_models_rate", 4),
        "psnr": _value(numbers, "psnr", 1),
        "cpu_s": _value(numbers, "poisoning", 1),
    }
    return {name: value for name, value in told.items() if value is not None}


def _value(numbers: Mapping[str, Any], key: str, places: int) -> float | None:
    return round(numbers[key]["value"], places) if key in numbers else None


def _line(column: Mapping[str, Any], numbers: Mapping[str, Any]) -> str:
    success = "–"
    if asr := numbers.get("asr"):
        success = f"{100 * asr['value']:.1f} ({100 * asr['low']:.1f}–{100 * asr['high']:.1f})"
    accuracy = numbers["accuracy"]
    interval = f"{100 * accuracy['low']:.1f}–{100 * accuracy['high']:.1f}"
    cells = (
        column["title"],
        success,
        _cell(numbers, "clean_models_rate", 100),
        f"{100 * accuracy['value']:.1f} ({interval})",
        "" if column["clean"] else f"{100 * numbers['lost']:.1f}",
        _cell(numbers, "psnr", 1),
        _cell(numbers, "poisoning", 1),
    )
    return f"| {' | '.join(cells)} |".replace("|  |", "| |")


def _cell(numbers: Mapping[str, Any], key: str, times: float) -> str:
    return f"{times * numbers[key]['value']:.1f}" if key in numbers else "–"


TABLES = {
    each.name: each
    for each in (
        AttackTable(
            "attacks_cifar10",
            "every attack on a model from scratch, CIFAR-10, three seeds",
            "attacks-cifar10.toml",
            9000,
            "cifar10",
            "CIFAR-10, 16,000 rows, from scratch",
        ),
        AttackTable(
            "attacks_mnist",
            "Dioptra's and OWASP's attacks, MNIST, three seeds",
            "attacks-mnist.toml",
            2500,
            "mnist",
            "MNIST, 20,000 rows, from scratch",
        ),
        AttackTable(
            "matrix_svm_mnist",
            "the attacks on a linear support vector machine, MNIST, ten seeds",
            "svm-mnist.toml",
            2500,
            "mnist",
            "MNIST, 100 rows of two classes, a linear support vector machine",
        ),
        AttackTable(
            "matrix_svm_cifar10",
            "the attacks on a support vector machine, CIFAR-10, ten seeds",
            "svm-cifar10.toml",
            2500,
            "cifar10",
            "CIFAR-10, 100 rows of two classes, a support vector machine",
        ),
    )
}
