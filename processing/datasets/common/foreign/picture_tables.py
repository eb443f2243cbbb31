"""Tables that say what pictures show: which columns are of what, and which files a row names."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from boomerang.errors import BadInput
from boomerang.safeio import display_name, load_table, table_columns
from processing.datasets.common.foreign.labels import composed
from processing.datasets.common.foreign.naming import split_of

TABLES = (".csv", ".tsv")
# What columns are called, lower case and of letters and digits alone; the first that is there is taken.
_NAMES = {
    "file": (
        "file filename filenames filepath path image imagename imagefile imagefilename imagepath img imgname "
        "imgpath picture photo fname imageid imgid id"
    ),
    "label": (
        "label labels labelname class classname classes category categoryname target species breed classid "
        "labelid categoryid y"
    ),
    "split": "split subset partition set",
    "source": "source supplier contributor provider",
    "group": (
        "group groupid track trackid vehicle vehicleid patient patientid subject subjectid person personid "
        "scene sceneid sequence sequenceid session sessionid"
    ),
}
_TRIED_ROWS = 50
_MOST_SHOWN = 8
_ZERO, _ONE = ("0", "0.0"), ("1", "1.0")


@dataclass(frozen=True)
class Row:
    """What a table says of a picture.

    Attributes
    ----------
    table, line, name : str, int, str
        Where it stands, and what it calls the file.
    file : Path or None
        None where there is no such picture.
    label, part, source, group : str
        Empty where the table does not say.
    """

    table: str
    line: int
    name: str
    file: Path | None
    label: str
    part: str = ""
    source: str = ""
    group: str = ""

    @property
    def where(self) -> str:
        """Table, line and file, as errors name them."""
        return f"{self.table}, line {self.line}: {display_name(self.name)}"


class Files:
    """The files below a folder, found by the names that tables have for them."""

    def __init__(self, files: Iterable[Path], root: Path) -> None:
        self.root = root
        self._by_name: dict[str, list[Path]] = defaultdict(list)
        for file in files:
            for name in {file.name, file.stem}:
                self._by_name[_key(name)].append(file)

    def find(self, name: str, near: Path, part: str = "") -> Path | None:
        """Return the file of a name, which may begin anywhere below the folder and have no ending.

        Parameters
        ----------
        name : str
        near : Path
            The folder of the table: a file below it goes before others.
        part : str
            The split of the row: a file in a folder that is of it goes before others, then.

        Returns
        -------
        Path or None
            None where there is none.

        Raises
        ------
        BadInput
            If there are several.
        """
        found = self._called(name)
        better: tuple[Callable[[Path], bool], ...] = (
            lambda file: composed(file.name).endswith(composed(name.rpartition("/")[2])),
            lambda file: file in (near / name, self.root / name),
            lambda file: part in map(split_of, file.relative_to(self.root).parts[:-1]),
            lambda file: file.is_relative_to(near),
        )
        for is_better in better:
            if len(found) > 1:
                found = [file for file in found if is_better(file)] or found
        if len(found) > 1:
            shown = ", ".join(display_name(file.relative_to(self.root).as_posix()) for file in found[:2])
            why = f"'{display_name(name)}' may be {shown}"
            raise BadInput(display_name(self.root.name), why, "write their paths into the table")
        return found[0] if found else None

    def has(self, name: str) -> bool:
        """Whether there is a file of a name, or several."""
        return bool(self._called(name))

    def _called(self, name: str) -> list[Path]:
        parts = [_key(each) for each in name.replace("\\", "/").split("/") if each not in ("", ".")]
        found = self._by_name.get(parts[-1], []) if parts else []
        return [file for file in found if self._ends_with(file, parts)]

    def _ends_with(self, file: Path, parts: Sequence[str]) -> bool:
        own = [_key(each) for each in file.relative_to(self.root).parts[:-1]]
        above = list(parts[:-1])
        return not above or own[-len(above) :] == above


def _key(name: str) -> str:
    return composed(name).casefold()


def is_table(file: Path) -> bool:
    """Whether a file may be a table, by its name."""
    return file.suffix.lower() in TABLES and file.is_file() and not file.name.startswith(".")


def columns_of(table: Path) -> dict[str, str]:
    """Return what the columns of a table are of, by `file`, `label`, `split`, `source`, `group`.

    Of a table of two columns, one of which names files, the other is the label whatever it is called.

    Raises
    ------
    BadInput
        If it cannot be read.
    """
    names = table_columns(table)
    plain = {re.sub(r"[^a-z0-9]", "", name.casefold()): name for name in reversed(names)}
    found = {}
    for role, known in _NAMES.items():
        there = [plain[each] for each in known.split() if each in plain]
        if there:
            found[role] = there[0]
    if "file" in found and len(names) == 2:
        found.setdefault("label", next(name for name in names if name != found["file"]))
    return found


def why_no_labels(table: Path, files: Files) -> str:
    """Return why a table does not say what pictures show; empty where it does.

    Some of its first rows have to name files that are there.
    """
    try:
        columns = columns_of(table)
        if "file" not in columns:
            return "it has no column that names files"
        if "label" not in columns and not _one_hot(table, columns):
            return "it has no column of classes"
        (named,) = load_table(table, (columns["file"],), most=_TRIED_ROWS).columns.values()
        there = any(map(files.has, named))
    except BadInput as error:
        return error.why
    return "" if there else "it names no picture that is there"


def read_rows(table: Path, files: Files, part: str = "") -> list[Row]:
    """Return the rows of a table.

    Parameters
    ----------
    table : Path
    files : Files
    part : str
        The split that all rows are of, where the place of the table says it.

    Raises
    ------
    BadInput
        If a column is missing, a split is unknown, or no row names a file that is there.
    """
    columns = columns_of(table)
    where = display_name(table.relative_to(files.root).as_posix())
    if "file" not in columns:
        raise _lacks(table, where, "that names the files", "file", files)
    marks = _one_hot(table, columns) if "label" not in columns else {}
    if "label" not in columns and not marks:
        raise _lacks(table, where, "of classes", "label", files)
    wanted = tuple(dict.fromkeys(columns.values()))
    read = load_table(table, wanted, columns["file"])
    of = {role: read.columns[name] for role, name in columns.items()}
    empty = ("",) * len(read)
    labels = marks.get("label") or of["label"]
    rows = []
    for line, name, label, split, source, group in zip(
        read.lines,
        of["file"],
        labels,
        *(of.get(role, empty) for role in ("split", "source", "group")),
        strict=True,
    ):
        its = _part(split, f"{where}, line {line}") if "split" in columns else part
        file = files.find(name, table.parent, its)
        rows.append(Row(where, line, name, file, composed(label), its, composed(source), group))
    if rows and not any(row.file for row in rows):
        named = f"the {len(rows):,} files in its column '{display_name(columns['file'])}'"
        why = f"none of {named} is there; the first is {rows[0].where}"
        raise BadInput(where, why, f"write names as they are below {display_name(files.root.name)}")
    return rows


def _part(split: str, where: str) -> str:
    part = split_of(split)
    if part is None:
        raise BadInput(where, f"'{display_name(split)}' is no split", "write train, test or val")
    return part


def _lacks(table: Path, where: str, what: str, name: str, files: Files) -> BadInput:
    names = table_columns(table)
    if any(files.has(each) for each in names):
        return BadInput(where, "its first line has no names of columns", "write file,label above it")
    shown = ", ".join(display_name(each) for each in names[:_MOST_SHOWN])
    more = f" and {len(names) - _MOST_SHOWN} more" if len(names) > _MOST_SHOWN else ""
    return BadInput(where, f"it has no column {what}; there are {shown}{more}", f"call that one `{name}`")


def _one_hot(table: Path, columns: dict[str, str]) -> dict[str, tuple[str, ...]]:
    """Return the label of each row, where the other columns are classes of which each row marks one."""
    names = tuple(name for name in table_columns(table) if name not in columns.values())
    if len(names) < 2:
        return {}
    marks = load_table(table, names).columns
    labels = []
    for values in zip(*marks.values(), strict=True):
        ones = [name for name, value in zip(names, values, strict=True) if value in _ONE]
        if len(ones) != 1 or not all(value in _ZERO + _ONE for value in values):
            return {}
        labels.append(ones[0])
    return {"label": tuple(labels)}
