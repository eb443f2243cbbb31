"""Matrices that no campaign has made: numbers drawn from a seed, with the troubles that tests need."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from boomerang.scoring import rate
from pipelines.matrix.document import Cell, Column, Difference, Matrix, Number, Picture, Row, RunCard
from pipelines.matrix.quantities import (
    ACCURACY,
    ASR,
    CPU,
    DER,
    FIDELITY,
    FPR,
    INNOCENT,
    LEAST_CLASS,
    MEMORY,
    QUANTITIES,
    ROBUST,
    TPR,
    TRUSTED,
)
from pipelines.report.pictures import data_uri

CONTROLS = (
    Row(id="nothing", title="nothing", words="the model as the attack left it", control=True),
    Row(id="random", title="a random filter", words="takes out as many rows, at random", control=True),
    Row(id="perfect", title="a perfect filter", words="takes out the poison, and no other row", control=True),
)
DEFENSES = (
    ("spectral signatures", "outliers along the first direction of each class"),
    ("activation clustering", "two clusters a class; the smaller one is taken out"),
    ("deep k-NN", "rows whose neighbors have another label"),
    ("fine-pruning", "channels that clean rows do not use, then training on clean rows"),
    ("combination", "spectral signatures, then fine-pruning"),
)
# How much of an attack each row leaves, and what it costs in accuracy.
_LEFT = {"nothing": 1.0, "random": 0.97, "perfect": 0.01}
ATTACKS = (("BadNets", 0.01), ("blended", 0.01), ("label flip", 0.05))
SEEDS = (0, 1, 2)


@dataclass
class Shape:
    """What a matrix is drawn from."""

    title: str = "Which screen stops which attack?"
    words: str = (
        "Four defenses against three attacks on two data sets, with the controls that tell one from luck."
    )
    rows: Sequence[Row] = field(
        default_factory=lambda: (
            *CONTROLS,
            *(Row(id=f"d{k}", title=title, words=words) for k, (title, words) in enumerate(DEFENSES)),
        )
    )
    data: Sequence[str] = ("drawn", "fashion-mnist")
    attacks: Sequence[tuple[str, float]] = ATTACKS
    seeds: Sequence[int] = SEEDS
    pictures: bool = True


def columns_of(shape: Shape) -> Iterable[Column]:
    for data in shape.data:
        before = f"{data.capitalize()}: " if len(shape.data) > 1 else ""
        about = {"data": data, "data_title": data.capitalize()}
        yield Column(id=f"{data}.clean", title=f"{before}nobody attacks", attack="clean", clean=True, **about)
        for attack, share in shape.attacks:
            title = f"{before}{attack}, {share:.0%}"
            yield Column(id=f"{data}.{attack}-{share}", title=title, attack=attack, rate=share, **about)


def draw(shape: Shape | None = None) -> Matrix:
    """Return a matrix in which every cell is whole."""
    shape = shape or Shape()
    columns = tuple(columns_of(shape))
    pictures = _pictures() if shape.pictures else ()
    cells = tuple(_cell(row, column, shape, pictures) for row in shape.rows for column in columns)
    return Matrix(
        name="screens",
        title=shape.title,
        words=shape.words,
        seeds=tuple(shape.seeds),
        quantities=QUANTITIES,
        rows=tuple(shape.rows),
        columns=columns,
        cells=cells,
        versions={"boomerang": "0.1.0", "tensorflow": "2.21.0", "numpy": "2.1.3"},
        machine="2 cores, 8 GB, Linux x86_64",
        made="2026-11-30T05:17:23Z",
    )


def troubled() -> Matrix:
    """Return a matrix of two data sets with a cell of each trouble.

    Of its first data set the last attack has failed, so its cells are hatched; and one cell of the second.
    """
    matrix = draw()
    columns = [column.id for column in matrix.columns]
    told = {
        ("d3", columns[7]): _nothing("failed", "Harden: no class has 50 rows left"),
        ("d4", columns[3]): _nothing("refused", "the entry has no trusted rows"),
        ("d2", columns[4]): _nothing("excluded", "excluded by the campaign: it needs labels"),
        ("d2", columns[7]): _nothing("waiting", ""),
        ("d1", columns[1]): {"unreliable": ("12 pictures with the trigger are too few",)},
        ("d0", columns[6]): {"hatched": ("the accuracy fell by 7.2 points",)},
        ("d1", columns[6]): _one_seed_lost(matrix.cell("d1", columns[6])),
    }
    weak = {"hatched": ("the attack itself failed: ASR 31.0% without a defense",)}
    cells = []
    for cell in matrix.cells:
        other = weak if cell.column == columns[3] else {}
        cells.append(cell.model_copy(update=told.get((cell.row, cell.column), other)))
    return matrix.model_copy(update={"cells": tuple(cells)})


def _nothing(status: Literal["failed", "refused", "excluded", "waiting"], why: str) -> dict[str, object]:
    """Return what is told of a cell without a number."""
    runs: tuple[RunCard, ...] = ()
    if status != "excluded":
        command = "python -m pipelines run --config default"
        runs = tuple(RunCard(seed=seed, status=status, why=why, command=command) for seed in SEEDS)
    return {"status": status, "why": why, "numbers": {}, "runs": runs}


def hostile(*texts: str) -> Matrix:
    """Return a small matrix of which every text is one of these."""
    said = " ".join(texts)
    run = RunCard(
        seed=0, run=said, status="failed", why=said, command=said, report=f"javascript:{said}",
        digests={said: said}, pictures=(Picture(words=said, source=_pictures()[0].source),),
    )  # fmt: skip
    shape = Shape(
        title=said,
        words=said,
        rows=[*CONTROLS[:1], *(Row(id=f"h{k}", title=text, words=text) for k, text in enumerate(texts))],
        data=[said],
        attacks=[(text, 0.01) for text in texts],
        seeds=(0,),
    )
    matrix = draw(shape)
    told = {"why": said, "hatched": texts, "unreliable": texts, "threshold": said, "runs": (run,)}
    cells = [cell.model_copy(update=told) for cell in matrix.cells]
    cells[-1] = cells[-1].model_copy(update={"status": "failed", "numbers": {}})
    return matrix.model_copy(update={"cells": tuple(cells), "machine": said, "versions": {said: said}})


def large(defenses: int = 27, attacks: int = 11) -> Matrix:
    """Return a matrix of so many defenses and the controls, and so many attacks and the clean control."""
    kinds = tuple((f"attack {k}", 0.01) for k in range(attacks))
    rows = (*CONTROLS, *(Row(id=f"d{k}", title=f"defense {k}", words="of many") for k in range(defenses)))
    return draw(Shape(rows=rows, data=["cifar10"], attacks=kinds, seeds=(0, 1)))


def _pictures() -> tuple[Picture, ...]:
    pixels = np.random.default_rng(3).integers(90, 200, (32, 32, 3), dtype=np.uint8)
    with_trigger = pixels.copy()
    with_trigger[26:, 26:] = (0, 240, 240)
    return (
        Picture(words="without the trigger", source=data_uri(pixels)),
        Picture(words="with the trigger", source=data_uri(with_trigger)),
    )


def _cell(row: Row, column: Column, shape: Shape, pictures: tuple[Picture, ...]) -> Cell:
    source = random.Random(f"{row.id} {column.id}")
    left = _LEFT.get(row.id, source.choice([0.02, 0.03, 0.1, 0.45, 0.9]))
    asr = 0.012 if column.clean else min(1.0, 0.01 + 0.97 * left)
    cost = 0.0 if row.id == "nothing" else source.uniform(0.0, 0.03)
    numbers = {
        ASR: _share(source, asr, 290, shape.seeds),
        ACCURACY: _share(source, 0.935 - cost, 3000, shape.seeds),
        ROBUST: _share(source, 0.93 - 0.9 * (asr if not column.clean else 0), 290, shape.seeds),
        CPU: _plain(source, 31.4, shape.seeds),
        MEMORY: _plain(source, 812.0, shape.seeds),
    }
    if row.id != "nothing":
        numbers = {key: _against(number, key, asr) for key, number in numbers.items()}
        numbers |= {
            DER: _plain(source, 0.5 + 0.49 * (1 - left), shape.seeds, 0.004),
            FIDELITY: _plain(source, 0.98 * (1 - left), shape.seeds, 0.004),
            TPR: _share(source, 1 - left, 80, shape.seeds),
            FPR: _share(source, 0.012, 8200, shape.seeds),
            INNOCENT: _share(source, 0.55, 180, shape.seeds),
            LEAST_CLASS: _plain(source, 731, shape.seeds),
            TRUSTED: Number(value=500, by_seed={str(seed): 500 for seed in shape.seeds}),
        }
        if column.clean:
            del numbers[TPR], numbers[DER], numbers[FIDELITY]
    runs = tuple(_run(row, column, seed, pictures) for seed in shape.seeds)
    threshold = "the 99th percentile of the scores of 500 clean validation rows" if not row.control else ""
    return Cell(row=row.id, column=column.id, status="whole", numbers=numbers, threshold=threshold, runs=runs)


def _share(source: random.Random, share: float, total: int, seeds: Sequence[int]) -> Number:
    counts = [min(total, max(0, round(total * (share + source.gauss(0, 0.006))))) for _ in seeds]
    pooled = rate(sum(counts), total * len(counts))
    values = {str(seed): count / total for seed, count in zip(seeds, counts, strict=True)}
    mean = sum(values.values()) / len(values)
    counted = {"successes": pooled.successes, "total": pooled.total, "low": pooled.low, "high": pooled.high}
    return Number(value=mean, by_seed=values).model_copy(update=counted)


def _plain(source: random.Random, value: float, seeds: Sequence[int], wide: float = 0.05) -> Number:
    values = {str(seed): value * (1 + source.uniform(-wide, wide)) for seed in seeds}
    return Number(value=sum(values.values()) / len(values), by_seed=values)


def _against(number: Number, key: str, asr: float) -> Number:
    if number.total is None:
        return number
    gap = number.value - {ASR: 0.98, ROBUST: 0.05, ACCURACY: 0.935}[key]
    found = Difference(value=gap, least=gap - 0.008, most=gap + 0.006, low=gap - 0.015, high=gap + 0.015)
    return number.model_copy(update={"difference": found})


def _one_seed_lost(cell: Cell) -> dict[str, object]:
    numbers = {}
    for key, number in cell.numbers.items():
        kept = dict(list(number.by_seed.items())[:-1])
        numbers[key] = number.model_copy(update={"by_seed": kept, "value": sum(kept.values()) / len(kept)})
    why = "Screen: the disk is full"
    lost = cell.runs[-1].model_copy(update={"status": "failed", "why": why, "report": "", "pictures": ()})
    return {"status": "part", "why": f"seed 2: {why}", "numbers": numbers, "runs": (*cell.runs[:-1], lost)}


def _run(row: Row, column: Column, seed: int, pictures: tuple[Picture, ...]) -> RunCard:
    source = random.Random(f"{row.id} {column.id} {seed}")
    name = f"screens-{row.id}-{column.id.replace('/', '-').replace(' ', '-')}-{seed}"
    attack = f" --set attacks.0.rate={column.rate}" if column.rate else ""
    passed = row.id == "perfect"
    return RunCard(
        seed=seed,
        run=name,
        status="passed" if passed else "rejected",
        why="" if passed else "attack success rate, upper 95% bound: 12.1%, allowed 10.0%",
        command=f"python -m pipelines run --config default --set seed={seed}{attack} --id {name}",
        report=f"../{name}/report.html",
        digests={what: f"{source.getrandbits(256):064x}" for what in ("train", "poison", "hardened model")},
        seconds=source.uniform(4, 190),
        pictures=pictures,
    )  # fmt: skip
