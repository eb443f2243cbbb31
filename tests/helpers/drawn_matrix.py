"""Two campaigns as they lie on disk, with numbers that fit together."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from boomerang.safeio import write_json_atomic
from boomerang.scoring import rate
from pipelines.matrix.document import MATRIX, Cell, Column, Matrix, Number, Row, RunCard
from pipelines.matrix.quantities import ACCURACY, ASR, DER, QUANTITIES

NOTHING, RANDOM = Row(id="nothing", title="nothing", control=True), Row(id="random", title="random filter")
RETRAIN = Row(id="retrain", title="retrain")
CLEAN = Column(id="clean", title="clean", data="drawn", attack="", clean=True)
SQUARE = Column(id="square-1", title="cyan square, 1%", data="drawn", attack="badnets", rate=0.01)


def number(successes: int, total: int = 2000, seeds: int = 2) -> Number:
    """Return a share that every seed has counted alike."""
    pooled = rate(successes * seeds, total * seeds)
    assert pooled.value is not None
    by_seed = {str(seed): successes / total for seed in range(seeds)}
    counts = {"successes": pooled.successes, "total": pooled.total}
    return Number(value=pooled.value, by_seed=by_seed, low=pooled.low, high=pooled.high, **counts)


def cell(row: Row, column: Column, asr: int, accuracy: int, **more: Any) -> Cell:
    """Return a cell whose runs have made these models."""
    numbers = {ASR: number(asr), ACCURACY: number(accuracy), DER: Number(value=0.9, by_seed={"0": 0.9})}
    digests = {"data: test": "22" * 32, "model: hardened": f"{asr:04d}" * 16}
    card = RunCard(seed=0, run=f"{row.id}-{column.id}", status="passed", command="run", digests=digests)
    found = {"status": "whole", "numbers": numbers, "runs": (card,)}
    return Cell(row=row.id, column=column.id, **{**found, **more})


def campaign(folder: Path, rows: tuple[Row, ...], cells: tuple[Cell, ...], **more: Any) -> Path:
    """Write a campaign's folder and return it."""
    matrix = Matrix(
        **{"name": "drawn", "title": "Drawn", "seeds": (0, 1), "columns": (CLEAN, SQUARE), **more},
        quantities=QUANTITIES,
        rows=rows,
        cells=cells,
        machine="two cores",
    )
    folder.mkdir(parents=True)
    write_json_atomic(folder / MATRIX, matrix.model_dump(mode="json"))
    return folder


def two_campaigns(folder: Path, title: str = "retrain") -> tuple[Path, Path]:
    """Write two: in the second retraining works better, one cell failed, one row and a seed are new."""
    retrain = RETRAIN.model_copy(update={"title": title})
    first = campaign(
        folder / "monday",
        (NOTHING, retrain),
        (
            cell(NOTHING, CLEAN, 20, 1800),
            cell(NOTHING, SQUARE, 1900, 1790),
            cell(retrain, CLEAN, 20, 1780),
            cell(retrain, SQUARE, 800, 1780),
        ),
        versions={"numpy": "2.1.3", "keras": "3.14.0"},
    )
    second = campaign(
        folder / "friday",
        (NOTHING, RANDOM, retrain),
        (
            cell(NOTHING, CLEAN, 20, 1800),
            cell(NOTHING, SQUARE, 1901, 1790),
            cell(RANDOM, SQUARE, 1890, 1790),
            cell(retrain, CLEAN, 20, 1780, status="failed", why="Harden: out of memory", numbers={}),
            cell(retrain, SQUARE, 100, 1775),
        ),
        seeds=(0, 1, 2),
        versions={"numpy": "2.1.3", "keras": "3.15.1"},
    )
    return first, second
