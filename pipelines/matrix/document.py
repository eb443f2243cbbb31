"""The matrix as a document: what `matrix.json` holds, and what the page and the table are drawn from."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from boomerang.config import Strict, validate
from boomerang.errors import BadInput
from boomerang.safeio import load_json

FORMAT: Literal[1] = 1
# Its file, in the folder of a campaign.
MATRIX = "matrix.json"

Status = Literal["whole", "part", "failed", "refused", "excluded", "waiting"]
RunStatus = Literal["passed", "rejected", "failed", "refused", "waiting"]


class Quantity(Strict):
    """One thing that is measured in every cell.

    Attributes
    ----------
    key, title, words : str
        How cells name it, how a page does, and what it is in a sentence.
    unit : str
        Values of `share` are fractions, shown in percent; of `s` seconds, of `MB` megabytes (10^6), of `dB`
        decibels, of `rows` counts, of an empty one plain numbers.
    better : str
        Which way is the defender's.
    shown : bool
        Whether a page shows it before anything else is chosen.
    """

    key: str
    title: str
    words: str
    unit: Literal["share", "s", "MB", "dB", "rows", ""] = "share"
    better: Literal["low", "high", "neither"]
    shown: bool = False


class Difference(Strict):
    """A difference to the undefended model, on the same images and seeds: this one less the undefended.

    Attributes
    ----------
    value : float
        Mean over the seeds that both were measured with.
    least, most : float
        Over those seeds.
    low, high : float or None
        95% interval of the pooled paired shares (Newcombe 1998, method 10), where it is one of shares of
        the same images.
    """

    value: float
    least: float
    most: float
    low: float | None = None
    high: float | None = None


class Number(Strict):
    """One quantity of a cell over its seeds; what was not measured with a seed is not counted.

    Attributes
    ----------
    value : float
        Mean over the seeds.
    by_seed : mapping of str to float
        The value with each seed; its spread is that of the seeds, and no interval.
    successes, total : int or None
        Pooled counts over all seeds, where it is a share of counted cases.
    low, high : float or None
        Their Wilson 95% interval: of the images, not of the seeds.
    difference : Difference or None
        To the undefended model.
    """

    value: float
    by_seed: dict[str, float] = Field(min_length=1)
    successes: int | None = None
    total: int | None = None
    low: float | None = None
    high: float | None = None
    difference: Difference | None = None

    @property
    def least(self) -> float:
        """The least value of a seed."""
        return min(self.by_seed.values())

    @property
    def most(self) -> float:
        """The greatest value of a seed."""
        return max(self.by_seed.values())


class RunCard(Strict):
    """One run of a cell: with one seed.

    Attributes
    ----------
    seed : int
    run : str
        Its name; empty where it never began.
    status : str
        `passed` and `rejected` are the gate's word on a run that went through.
    why : str
        Why it failed, was refused or was rejected.
    command : str
        What runs it alone.
    report : str
        The report's path from the matrix's folder; empty if there is none.
    digests : mapping of str to str
        Of data and models, by what they are of.
    seconds : float
        What its own steps took, without those that were taken from the cache.
    pictures : tuple of Picture
    """

    seed: int
    run: str = ""
    status: RunStatus
    why: str = ""
    command: str
    report: str = ""
    digests: dict[str, str] = Field(default_factory=dict)
    seconds: float = 0.0
    pictures: tuple[Picture, ...] = ()


class Picture(Strict):
    """A small picture: what it shows, and itself as a `data:image/png;base64,` address."""

    words: str
    source: str


class Cell(Strict):
    """A defense against an attack, over all seeds.

    Attributes
    ----------
    row, column : str
        Ids.
    status : str
        `whole` with every seed, `part` with some; else why there is no number.
    why : str
        Why it failed, was refused, is excluded or is not whole.
    numbers : mapping of quantity's key to Number
    hatched : tuple of str
        Why the cell says little of the defense: the attack itself failed, or the accuracy fell.
    unreliable : tuple of str
        Why a number of it rests on too little.
    threshold : str
        Where the defense's thresholds come from, in words.
    runs : tuple of RunCard
        One a seed, in their order.
    """

    row: str
    column: str
    status: Status
    why: str = ""
    numbers: dict[str, Number] = Field(default_factory=dict)
    hatched: tuple[str, ...] = ()
    unreliable: tuple[str, ...] = ()
    threshold: str = ""
    runs: tuple[RunCard, ...] = ()


class Row(Strict):
    """A defense, or a control that none may be better or worse than without a reason.

    Attributes
    ----------
    id, title, words : str
    control : bool
        Nothing, a random filter, a perfect filter.
    """

    id: str
    title: str
    words: str = ""
    control: bool = False


class Column(Strict):
    """An attack at a rate on some data; `clean` is the control in which nobody attacks.

    Attributes
    ----------
    id, title, data, attack : str
    data_title : str
        What `title` begins with, and a colon, where there are several data sets: a page writes it once, above
        all columns of one.
    rate : float or None
        The poisoning rate that all attacks of the recipe were set to; None where they keep their own.
    clean : bool
    """

    id: str
    title: str
    data: str
    attack: str
    data_title: str = ""
    rate: float | None = None
    clean: bool = False


class Matrix(Strict):
    """The whole of `matrix.json`.

    Attributes
    ----------
    name, title, words : str
        Of the campaign; `words` is the comment at the head of its file.
    seeds : tuple of int
    quantities : tuple of Quantity
        In the order in which they are shown.
    rows : tuple of Row
        Controls first.
    columns : tuple of Column
        Of each data set the clean control first.
    cells : tuple of Cell
        One a row and column, row by row.
    versions, machine : mapping
        Of the libraries, and of what it ran on.
    made : str
        When, UTC, ISO 8601.
    """

    format: Literal[1] = FORMAT
    name: str
    title: str
    words: str = ""
    seeds: tuple[int, ...]
    quantities: tuple[Quantity, ...]
    rows: tuple[Row, ...]
    columns: tuple[Column, ...]
    cells: tuple[Cell, ...]
    versions: dict[str, str] = Field(default_factory=dict)
    machine: str = ""
    made: str = ""

    def cell(self, row: str, column: str) -> Cell:
        """Return the cell of a row and a column by their ids."""
        return next(each for each in self.cells if (each.row, each.column) == (row, column))


def read_matrix(file: Path) -> Matrix:
    """Return the matrix of a `matrix.json`; raises BadInput or ConfigError if it is none."""
    content = load_json(file)
    if not isinstance(content, dict):
        raise BadInput(str(file), "it holds no matrix", "run the campaign again")
    return validate(Matrix, content, where=file.name)
