"""The cells of a campaign: one for each defense, attack at a rate, data and seed, each a whole entry."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from boomerang.errors import UsageError
from pipelines.campaign.entry import load
from pipelines.campaign.sections import Config, merged
from pipelines.matrix.document import Column, Row
from pipelines.matrix.entries import (
    ANY,
    CLEAN,
    AttackEntry,
    Campaign,
    Control,
    DataEntry,
    DefenseEntry,
    Table,
)

_CONTROLS: dict[Control, Row] = {
    "nothing": Row(
        id="nothing", title="nothing", words="the victim as it was trained on the poison", control=True
    ),
    "random": Row(
        id="random",
        title="a random filter",
        words="as many rows as were poisoned are taken out at random, and a model is trained anew without "
        "them: what is no better than this is luck",
        control=True,
    ),
    "perfect": Row(
        id="perfect",
        title="a perfect filter",
        words="exactly the poisoned rows are taken out, and a model is trained anew without them: what no "
        "screen can do better",
        control=True,
    ),
}
_RETRAIN = [{"kind": "retrain"}]
# The rows that know the truth.
FILTERS = ("random", "perfect")


def run_name(row: str, column: str, seed: int) -> str:
    """Return the name of the run of a row and a column, by their ids, with a seed."""
    return f"{column}.{row}.s{seed}"


@dataclass(frozen=True)
class Cell:
    """One run of a campaign.

    Attributes
    ----------
    row, column : Row, Column
    seed : int
    source : str
        The entry that it starts from.
    tables : tuple of table
        What is laid over that, one after the other.
    excluded : str
        Why it is not run; empty if it is.
    """

    row: Row
    column: Column
    seed: int
    source: str
    tables: tuple[Table, ...]
    excluded: str = ""

    @property
    def id(self) -> str:
        """The name of its run."""
        return run_name(self.row.id, self.column.id, self.seed)

    def config(self) -> Config:
        """Return its entry, checked as a whole; raises ConfigError as `load` does."""
        return load(self.source, (), self.tables)


def rows_of(campaign: Campaign) -> tuple[Row, ...]:
    """Return the rows of a campaign: its controls, then its defenses."""
    controls = [_CONTROLS[each] for each in _CONTROLS if each in campaign.controls]
    defenses = [Row(id=d.name, title=d.title or d.name, words=d.words) for d in campaign.defenses]
    return (*controls, *defenses)


def columns_of(campaign: Campaign) -> tuple[Column, ...]:
    """Return the columns of a campaign: of each data set the clean control, then attack by attack."""
    return tuple(column for column, _, _ in _columns(campaign))


def cells_of(campaign: Campaign) -> tuple[Cell, ...]:
    """Return every cell, those first that make what others share: row by row, and the seeds last."""
    rows, columns = rows_of(campaign), list(_columns(campaign))
    defenses = {each.name: each for each in campaign.defenses}
    return tuple(
        Cell(
            row=row,
            column=column,
            seed=seed,
            source=data.base or campaign.base,
            tables=tuple(
                each for each in _tables(campaign, data, attack, column, row, defenses, seed) if each
            ),
            excluded=_excluded(campaign, data, attack, row),
        )
        for row in rows
        for column, data, attack in columns
        for seed in campaign.seeds
    )


def chosen(cells: Sequence[Cell], patterns: Sequence[str]) -> list[Cell]:
    """Return the cells that one of the patterns names: by a row, a column, an attack, data, or the whole id.

    Raises
    ------
    UsageError
        If a pattern names none.
    """
    if not patterns:
        return list(cells)
    for pattern in patterns:
        if not any(_is_named(cell, pattern) for cell in cells):
            names = ", ".join(dict.fromkeys([*(c.row.id for c in cells), *(c.column.id for c in cells)]))
            raise UsageError(f"--only {pattern}", "it names no cell", f"rows and columns are: {names}")
    return [cell for cell in cells if any(_is_named(cell, pattern) for pattern in patterns)]


def _is_named(cell: Cell, pattern: str) -> bool:
    names = (cell.row.id, cell.column.id, cell.column.attack, cell.column.data, f"s{cell.seed}", cell.id)
    return any(fnmatchcase(name, pattern) for name in names)


def _columns(campaign: Campaign) -> Iterator[tuple[Column, DataEntry, AttackEntry | None]]:
    several = len(campaign.data) > 1
    for data in campaign.data:
        shown_data = _data_title(campaign, data)
        before, title = (f"{data.name}.", f"{shown_data}: ") if several else ("", "")
        if campaign.clean:
            shown = f"{title}nobody attacks"
            yield (
                Column(
                    id=before + CLEAN,
                    title=shown,
                    data=data.name,
                    data_title=shown_data,
                    attack=CLEAN,
                    clean=True,
                ),
                data,
                None,
            )
        for attack in campaign.attacks:
            for rate in attack.rates or (None,):
                suffix, at = (
                    ("", "") if rate is None else (f"-{rate:g}", f", {rate:.2%}".replace(".00%", "%"))
                )
                yield (
                    Column(
                        id=f"{before}{attack.name}{suffix}",
                        title=f"{title}{attack.title or attack.name}{at}",
                        data=data.name,
                        data_title=shown_data,
                        attack=attack.name,
                        rate=rate,
                    ),
                    data,
                    attack,
                )


def _data_title(campaign: Campaign, data: DataEntry) -> str:
    """Return what data is called, with the rows of the past that the campaign sets apart of it."""
    section = merged(campaign.set, data.set).get("data")
    past = section.get("history") if isinstance(section, dict) else None
    return (data.title or data.name) + (f", {past} rows of the past" if past else "")


def _tables(
    campaign: Campaign,
    data: DataEntry,
    attack: AttackEntry | None,
    column: Column,
    row: Row,
    defenses: dict[str, DefenseEntry],
    seed: int,
) -> Iterator[Table]:
    yield campaign.set
    yield data.set
    if attack is not None:
        yield attack.set
    yield {"name": campaign.name, "seed": seed, "attacks": attack.specs(column.rate) if attack else []}
    if row.control:
        yield _control(row.id)
        return
    defense = defenses[row.id]
    yield defense.set
    yield _of_defense(defense)


def _of_defense(defense: DefenseEntry) -> Table:
    table: Table = {}
    if defense.detectors is not None:
        table["screen"] = {"detectors": [each.model_dump() for each in defense.detectors]}
    for name in ("harden", "inference"):
        if (specs := getattr(defense, name)) is not None:
            table[name] = [each.model_dump() for each in specs]
    return table


def _control(name: str) -> Table:
    if name == "nothing":
        return {"screen": {"detectors": []}, "harden": [], "inference": []}
    return {"screen": {"control": name}, "harden": _RETRAIN, "inference": []}


def _excluded(campaign: Campaign, data: DataEntry, attack: AttackEntry | None, row: Row) -> str:
    names: dict[str, Any] = {
        "data": data.name,
        "attack": attack.name if attack else CLEAN,
        "defense": row.id,
    }
    for each in campaign.exclude:
        if all(getattr(each, what) in (name, ANY) for what, name in names.items()):
            return each.why
    return ""
