"""A campaign as it is written: a TOML file of data, attacks and defenses, each an entry with what differs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from boomerang.config import Spec, Strict, validate
from boomerang.errors import ConfigError, UsageError
from boomerang.safeio import MAX_TOML_BYTES, load_toml, read_bytes

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,29}$")]
Control = Literal["nothing", "random", "perfect"]
CONTROLS: tuple[Control, ...] = ("nothing", "random", "perfect")
ANY = "*"
# Names that columns and rows have of themselves.
CLEAN = "clean"

Table = dict[str, Any]


class DataEntry(Strict):
    """Data that the attacks are staged on.

    Attributes
    ----------
    name : str
    title : str
        As the matrix shows it; without one it is the name.
    base : str
        A bundled entry or a TOML file that its cells start from, instead of the campaign's.
    set : table
        What differs from it, in the sections of an entry.
    """

    name: Name
    title: str = ""
    base: str = ""
    set: Table = Field(default_factory=dict)


class AttackEntry(Strict):
    """A recipe of attacks, at one or several poisoning rates.

    Attributes
    ----------
    name, title : str
    recipe : tuple of Spec
        As `[[attacks]]` of an entry.
    rates : tuple of float
        Every attack of the recipe that has a `rate` gets each of these in turn, a column for each; without
        any there is one column, with the rates of the recipe.
    set : table
        What else differs, such as `victim.schedule`.
    """

    name: Name
    title: str = ""
    recipe: tuple[Spec, ...] = Field(min_length=1)
    rates: tuple[float, ...] = ()
    set: Table = Field(default_factory=dict)

    @model_validator(mode="after")
    def _rates_reach_something(self) -> AttackEntry:
        from processing.attacks import ATTACKS

        have = any("rate" in ATTACKS[each.kind].model_fields for each in self.recipe if each.kind in ATTACKS)
        if self.rates and not have:
            raise ValueError("no attack of the recipe has a rate: leave out rates")
        return self

    @model_validator(mode="after")
    def _clean_is_taken(self) -> AttackEntry:
        if self.name == CLEAN:
            raise ValueError("the control without an attack has this name: choose another")
        return self

    def specs(self, rate: float | None) -> list[Table]:
        """Return the recipe at a rate."""
        from processing.attacks import ATTACKS

        tables = [each.model_dump() for each in self.recipe]
        if rate is None:
            return tables
        have = ["rate" in ATTACKS[each.kind].model_fields for each in self.recipe]
        return [table | {"rate": rate} if has else table for table, has in zip(tables, have, strict=True)]


class DefenseEntry(Strict):
    """A defense.

    Attributes
    ----------
    name, title, words : str
        `words` is what a reader should know of it.
    detectors, harden, inference : tuple of Spec
        As `screen.detectors`, `[[harden]]` and `[[inference]]` of an entry; what is left out stays as the
        base has it.
    set : table
        What else differs.
    """

    name: Name
    title: str = ""
    words: str = ""
    detectors: tuple[Spec, ...] | None = None
    harden: tuple[Spec, ...] | None = None
    inference: tuple[Spec, ...] | None = None
    set: Table = Field(default_factory=dict)

    @model_validator(mode="after")
    def _controls_are_taken(self) -> DefenseEntry:
        if self.name in CONTROLS:
            raise ValueError("a control has this name: choose another")
        return self


class Excluded(Strict):
    """Pairs that are not run, and why; what is left out means any."""

    data: str = ANY
    attack: str = ANY
    defense: str = ANY
    why: str = Field(min_length=1)


class Campaign(Strict):
    """The whole of a campaign's file.

    Attributes
    ----------
    name, title : str
        The name is that of its folder.
    words : str
        What it should show; without it, the comment at the head of the file.
    base : str
        A bundled entry or a TOML file that every cell starts from.
    seeds : tuple of int
    clean : bool
        Whether there is a column in which nobody attacks.
    controls : tuple of str
        The rows that no defense is needed for: `nothing`, and two filters that know the truth, see
        `processing.control`.
    set : table
        What differs from the base in every cell, in the sections of an entry.
    data, attacks, defenses : tuple of entries
        Without data there is that of the base.
    exclude : tuple of Excluded
    """

    name: Name
    title: str = ""
    words: str = ""
    base: str = "default"
    seeds: tuple[int, ...] = Field(default=(0,), min_length=1)
    clean: bool = True
    controls: tuple[Control, ...] = CONTROLS
    set: Table = Field(default_factory=dict)
    data: tuple[DataEntry, ...] = (DataEntry(name="data"),)
    attacks: tuple[AttackEntry, ...] = ()
    defenses: tuple[DefenseEntry, ...] = ()
    exclude: tuple[Excluded, ...] = ()

    @model_validator(mode="after")
    def _names_are_distinct(self) -> Campaign:
        for what in ("data", "attacks", "defenses"):
            names = [each.name for each in getattr(self, what)]
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise ValueError(f"two entries of {what} have the name '{twice[0]}'")
        if len(set(self.seeds)) < len(self.seeds):
            raise ValueError("a seed is there twice")
        return self

    @model_validator(mode="after")
    def _there_is_a_matrix(self) -> Campaign:
        if not (self.attacks or self.clean):
            raise ValueError("there is no column: give [[attacks]], or clean = true")
        if not (self.defenses or self.controls):
            raise ValueError("there is no row: give [[defenses]] or controls")
        return self

    @model_validator(mode="after")
    def _excluded_are_there(self) -> Campaign:
        known = {
            "data": {each.name for each in self.data},
            "attack": {each.name for each in self.attacks} | {CLEAN},
            "defense": {each.name for each in self.defenses} | set(self.controls),
        }
        for each in self.exclude:
            for what, names in known.items():
                if getattr(each, what) not in names | {ANY}:
                    raise ValueError(f"exclude: there is no {what} '{getattr(each, what)}'")
        return self


def read_campaign(file: Path, additions: Sequence[Mapping[str, Any]] = ()) -> Campaign:
    """Read a campaign's file, with what was added to it.

    Parameters
    ----------
    file : Path
    additions : sequence of table
        As `read_addition` returns them: their entries and seeds come after those of the file.

    Raises
    ------
    BadInput, ConfigError
        If it is no TOML, a key is unknown or a value is wrong.
    UsageError
        If there is no such file.
    """
    table = _table(file)
    for addition in additions:
        table = _added(table, addition)
    table.setdefault("name", file.stem)
    table.setdefault("words", _head(file))
    return validate(Campaign, table, where=file.name, page="docs/campaigns.md")


def read_addition(file: Path) -> Table:
    """Return what a file adds to a campaign: entries and seeds; raises as `read_campaign` does."""
    table = _table(file)
    if strange := sorted(set(table) - {"seeds", "data", "attacks", "defenses", "exclude"}):
        why = "an addition has seeds, data, attacks, defenses and exclude"
        raise ConfigError(f"unknown key '{strange[0]}' in {file.name}", why, "write it into the campaign")
    return table


def _added(table: Table, addition: Mapping[str, Any]) -> Table:
    more = {key: [*table.get(key, []), *value] for key, value in addition.items() if isinstance(value, list)}
    if "seeds" in more:
        more["seeds"] = list(dict.fromkeys([*table.get("seeds", [0]), *addition["seeds"]]))
    return table | dict(addition) | more


def _table(file: Path) -> Table:
    """Return a file's table; paths in it count from its folder."""
    if not file.is_file():
        why = "there is no such file"
        raise UsageError(f"campaign {file}", why, "examples are in bench/campaigns")
    table = load_toml(file)
    folder = file.resolve().parent
    return {key: _with_base(_rooted(value, folder), key, folder) for key, value in table.items()}


def _rooted(value: Any, folder: Path) -> Any:
    """Make every `path` in a table an absolute one, and every `base` that is a file."""
    if isinstance(value, list):
        return [_rooted(each, folder) for each in value]
    if not isinstance(value, dict):
        return value
    inner = {key: _rooted(each, folder) for key, each in value.items()}
    return {key: _with_base(each, key, folder) for key, each in inner.items()}


def _with_base(value: Any, key: str, folder: Path) -> Any:
    names_file = (key == "path" and value) or (key == "base" and str(value).endswith(".toml"))
    return str(folder / Path(value).expanduser()) if names_file and isinstance(value, str) else value


def _head(file: Path) -> str:
    """Return the first paragraph of the comment at the head of a file, without its marks."""
    lines = []
    for line in read_bytes(file, MAX_TOML_BYTES).decode(errors="replace").lstrip().splitlines():
        words = line.lstrip("#").strip()
        if not (line.startswith("#") and words):
            break
        lines.append(words)
    return " ".join(lines)
