"""What differs between two campaigns: seeds, rows, columns, data, versions, and every cell that both have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from boomerang.scoring import rate
from pipelines.comparison.gaps import Gap, Line, Value, rate_gap
from pipelines.comparison.key_by_key import Change, changes
from pipelines.comparison.traces import Names
from pipelines.matrix.document import Cell, Matrix, Number, Quantity
from pipelines.page.wording import plural


@dataclass(frozen=True)
class TwoCells:
    """A cell that both campaigns have.

    Attributes
    ----------
    row, column : str
        Titles.
    old, new : str
        How each ended: a status of `pipelines.matrix.document.Cell`, with why where it is not whole.
    lines : tuple of Line
        One a quantity that either has.
    """

    row: str
    column: str
    old: str
    new: str
    lines: tuple[Line, ...]

    @property
    def told(self) -> int:
        """How many of the numbers can be told apart."""
        return sum(line.gap is not None and line.gap.told for line in self.lines)


@dataclass(frozen=True)
class OneCell:
    """A cell that one campaign has alone; `where` is its name."""

    row: str
    column: str
    where: str


@dataclass(frozen=True)
class TwoCampaigns:
    """Two campaigns beside each other.

    Attributes
    ----------
    names : (str, str)
    settings : tuple of Change
        Of seeds, rows and columns.
    data : tuple of Change
        Digests that differ, by column, seed and what they are of.
    versions : tuple of Change
        Of the libraries and the machine.
    cells : tuple of TwoCells
    alone : tuple of OneCell
    """

    names: Names
    settings: tuple[Change, ...]
    data: tuple[Change, ...]
    versions: tuple[Change, ...]
    cells: tuple[TwoCells, ...]
    alone: tuple[OneCell, ...]

    @property
    def lines(self) -> tuple[Line, ...]:
        """The numbers of all cells."""
        return tuple(line for cell in self.cells for line in cell.lines)

    @property
    def columns(self) -> tuple[str, ...]:
        """The titles of the columns that both have."""
        return tuple(dict.fromkeys(cell.column for cell in self.cells))

    @property
    def headline(self) -> str:
        """What a person wants to know first."""
        told = sum(cell.told for cell in self.cells)
        compared = sum(line.word != "" for line in self.lines)
        if not self.cells:
            return "They have no cell in common"
        return (
            f"{told:,} of {plural(compared, 'number')} can be told apart"
            if compared
            else "No number in common"
        )

    @property
    def counted(self) -> str:
        """How much was held against each other, in a sentence."""
        both = f"{plural(len(self.cells), 'cell')} in both, {plural(len(self.alone), 'cell')} in one alone"
        return f"{both}; {plural(len(self.settings), 'difference')} in seeds, rows and columns."


def compare_campaigns(names: Names, first: Matrix, second: Matrix) -> TwoCampaigns:
    """Return what differs between two campaigns, the second against the first; cells by their ids."""
    old, new = _cells(first), _cells(second)
    titles = _titles(first) | _titles(second)
    quantities = {each.key: each for each in (*second.quantities, *first.quantities)}
    order = [each.key for each in second.quantities]
    ordered = sorted(quantities.values(), key=lambda q: order.index(q.key) if q.key in order else len(order))
    alone = [(place, names[0]) for place in old if place not in new]
    alone += [(place, names[1]) for place in new if place not in old]
    return TwoCampaigns(
        names=names,
        settings=changes(_settings(first), _settings(second)),
        data=tuple(_digests(first, second, titles)),
        versions=changes(_made_with(first), _made_with(second)),
        cells=tuple(_both(titles, ordered, old[place], new[place]) for place in new if place in old),
        alone=tuple(OneCell(titles["row", row], titles["column", col], where) for (row, col), where in alone),
    )


def _cells(matrix: Matrix) -> dict[tuple[str, str], Cell]:
    return {(cell.row, cell.column): cell for cell in matrix.cells}


def _titles(matrix: Matrix) -> dict[tuple[str, str], str]:
    """Return the titles of rows and columns by their ids; of one that the lists lack, its id.

    Where several have one title, each is known by its id as well.
    """
    titles = {("row", cell.row): cell.row for cell in matrix.cells}
    titles |= {("column", cell.column): cell.column for cell in matrix.cells}
    titles |= {("row", row.id): row.title for row in matrix.rows}
    titles |= {("column", column.id): column.title for column in matrix.columns}
    times = Counter((kind, title) for (kind, _), title in titles.items())
    return {
        (kind, id_): title if times[kind, title] == 1 else f"{title} ({id_})"
        for (kind, id_), title in titles.items()
    }


def _settings(matrix: Matrix) -> Mapping[str, object]:
    return matrix.model_dump(mode="json", include={"name", "seeds", "rows", "columns"})


def _made_with(matrix: Matrix) -> Mapping[str, object]:
    return {**matrix.versions, "machine": matrix.machine}


def _digests(first: Matrix, second: Matrix, titles: Mapping[tuple[str, str], str]) -> Iterator[Change]:
    """Yield which data and models differ, cell by cell and seed by seed; those that both name."""
    for place, new in _cells(second).items():
        old = _cells(first).get(place)
        before = {card.seed: card.digests for card in old.runs} if old else {}
        for card in new.runs:
            had = before.get(card.seed, {})
            for what in sorted(had.keys() & card.digests.keys()):
                if had[what] != card.digests[what]:
                    where = (
                        f"{titles['column', new.column]}, {titles['row', new.row]}, seed {card.seed}: {what}"
                    )
                    yield Change(where, had[what], card.digests[what])


def _both(
    titles: Mapping[tuple[str, str], str], quantities: list[Quantity], old: Cell, new: Cell
) -> TwoCells:
    lines = [_line(each, old.numbers.get(each.key), new.numbers.get(each.key)) for each in quantities]
    return TwoCells(
        titles["row", new.row],
        titles["column", new.column],
        _ended(old),
        _ended(new),
        tuple(line for line in lines if line.old or line.new),
    )


def _ended(cell: Cell) -> str:
    return cell.status if cell.status == "whole" or not cell.why else f"{cell.status}: {cell.why}"


def _line(quantity: Quantity, old: Number | None, new: Number | None) -> Line:
    return Line(quantity.title, quantity.better, _value(old), _value(new), _gap(old, new), quantity.unit)


def _value(number: Number | None) -> Value | None:
    return None if number is None else Value(number.value, number.low, number.high)


def _gap(old: Number | None, new: Number | None) -> Gap | None:
    """Return the difference of the means; where both are counted, with the interval of the pooled counts."""
    if old is None or new is None:
        return None
    counted = [
        None if each.successes is None or each.total is None else rate(each.successes, each.total)
        for each in (old, new)
    ]
    pooled = rate_gap(*counted)
    return Gap(new.value - old.value) if pooled is None else pooled
