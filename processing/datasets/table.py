"""Pictures in one folder or several, and a table that says what each shows."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
from PIL import Image

from boomerang.errors import BadInput
from boomerang.manifest import Rows
from boomerang.safeio import display_name
from processing.datasets.common.foreign.albums import Album, AlbumSource, Filed
from processing.datasets.common.foreign.companions import CLASSES, class_names
from processing.datasets.common.foreign.naming import split_of
from processing.datasets.common.foreign.picture_folders import (
    class_order,
    files_below,
    folders_in,
    holds_picture,
    parts_below,
    pictures_below,
    refusals,
)
from processing.datasets.common.foreign.picture_tables import (
    Files,
    Row,
    columns_of,
    is_table,
    read_rows,
    why_no_labels,
)
from processing.datasets.common.survey import Refusals
from processing.pictures.listing import natural_key

_NO_TRUTH = ("sample", "submission", "example")


class PictureTable(AlbumSource):
    """Pictures with a table that says what each shows, a line a picture: CSV with comma, semicolon or tab.

    Its columns are found by their names, as people call them: `file` (`filename`, `image`, `path`, `id`, ...)
    and `label` (`class`, `category`, `target`, ...); and where there are any `split` (train, test, val),
    `source`, who delivered the row, and `group` (`track`, `vehicle`, `patient`, ...), what several
    pictures are of. Instead of `label` there may be a column a class, each row with a 1 in one of them. Files
    are named with their paths or without, with an ending or without. Numbers are named by `classes.json`
    beside the table, a list of names, or name themselves.

    There may be a table for each split, `train.csv` and `test.csv`, or one in each folder `train` and `test`.
    Without a test set the validation set is it, and without that a fifth of each class is held out, no group
    cut in two. Pictures are padded to `size`, a side in pixels or [height, width], and resized;
    `channels = 1` makes them gray. A row without a picture or without a label, a second row of the same
    picture and a picture without a row are left out and named.
    """

    title: ClassVar[str] = "pictures with a table of their classes"
    words: ClassVar[str] = "images and a table of their classes that were handed in"
    names_sources: ClassVar[bool] = True

    kind: Literal["table"] = "table"

    @classmethod
    def recognizes(cls, path: Path) -> bool:
        """Whether there are pictures and a table of them; or such a table alone, which is then refused."""
        try:
            if path.is_file():
                return is_table(path) and {"file", "label"} <= columns_of(path).keys()
            if not path.is_dir():
                return False
            tables = _tables(path)
            if not tables or not holds_picture(path):
                return False
            # Without folders that may be classes it is one, whatever is wrong with the table.
            flat = sum(map(holds_picture, folders_in(path))) < 2
            files = Files((file for file, why in files_below(path, path) if not why), path)
            return flat or any(not why_no_labels(table, files) for table, _ in tables)
        except (BadInput, OSError):
            return False

    def find(self, path: Path, name: str) -> Album:
        """Return the pictures that the table names."""
        if path.is_file():
            why = "a table alone holds no picture"
            raise BadInput(display_name(path.name), why, "name the folder that holds it and the pictures")
        pictures, left_out = pictures_below(path, path)
        files = Files(pictures, path)
        tables, others = _used(_tables(path), files)
        rows = [row for table, part in tables for row in read_rows(table, files, part)]
        used, refused = _sound(rows)
        read = {table for table, _ in tables} | {tables[0][0].parent / CLASSES}
        left_out = {file: why for file, why in (left_out | others).items() if file not in read}
        left_out |= dict.fromkeys(set(pictures) - {row.file for row in rows}, "no table names it")
        columns = columns_of(tables[0][0])
        named = ", ".join(display_name(table.relative_to(path).as_posix()) for table, _ in tables)
        album = _album(used, tables[0][0], name or path.name, path)
        return replace(
            album,
            words=f"pictures with a table {named} (columns {display_name(', '.join(columns.values()))})",
            group=columns["group"] if album.train.groups is not None else "",
            refused=(*refusals(left_out, path), *refused, *album.refused),
        )

    @classmethod
    def write_example(cls, folder: Path) -> bool:
        """Write ten pictures of two classes each, and a table of them."""
        (folder / "images").mkdir()
        lines = ["file,label"]
        for number in range(20):
            name, color = (("cat", "red"), ("dog", "blue"))[number % 2]
            Image.new("RGB", (20 + number, 30), color).save(folder / "images" / f"{number}.png")
            lines.append(f"{number}.png,{name}")
        (folder / "labels.csv").write_text("\n".join(lines))
        return True


Tables = list[tuple[Path, str]]


def _tables(path: Path) -> Tables:
    """Return the tables in a folder, or of its splits one each, or else the one that a folder in it has.

    Each has the split beside it that its name or its folder says, or none.
    """
    here = [(file, split_of(file.stem) or "") for file in sorted(path.iterdir()) if is_table(file)]
    if here:
        return here
    parts = {part: _inside(folder) for part, folder in parts_below(path).items()}
    if parts and all(len(inside) == 1 for inside in parts.values()):
        return [(inside[0], part) for part, inside in parts.items()]
    every = [file for folder in folders_in(path) for file in _inside(folder)]
    return [(every[0], "")] if len(every) == 1 else []


def _inside(folder: Path) -> list[Path]:
    return [file for file in folder.iterdir() if is_table(file)]


def _used(tables: Tables, files: Files) -> tuple[Tables, dict[Path, str]]:
    """Return the tables that are read, that of the training set first, and why others are not.

    Raises
    ------
    BadInput
        If none can be read, or one of several has to be chosen.
    """
    left_out = {table: why for table, _ in tables if (why := _why_unused(table, files))}
    good = [(table, part) for table, part in tables if table not in left_out]
    if not good:
        if len(left_out) == 1:
            read_rows(tables[0][0], files)  # it says more of what is wrong
        what = ", ".join(f"{display_name(table.name)}: {why}" for table, why in left_out.items())
        do = "give one with the columns file,label that names the pictures below its folder"
        raise BadInput(display_name(files.root.name), f"it has no table of its pictures: {what}", do)
    if len(good) == 1:
        table, part = good[0]
        return [(table, part if part == "train" else "")], left_out
    of_splits = [each for each in good if each[1]]
    parts = [part for _, part in of_splits]
    if "train" not in parts or len(set(parts)) < len(parts):
        names = " and ".join(display_name(table.name) for table, _ in good)
        raise BadInput(display_name(files.root.name), f"{names} both say classes", "leave one of them there")
    left_out |= {table: "the tables of the splits are read" for table, part in good if not part}
    return sorted(of_splits, key=lambda each: each[1] != "train"), left_out


def _why_unused(table: Path, files: Files) -> str:
    if any(word in table.stem.casefold() for word in _NO_TRUTH):
        return "by its name it is a sample of answers"
    return why_no_labels(table, files)


def _sound(rows: Iterable[Row]) -> tuple[list[Row], Refusals]:
    """Return the rows that have a picture and a class, each picture once; and the others with the reason."""
    of_file: dict[Path, list[Row]] = defaultdict(list)
    refused = []
    for row in rows:
        if row.file is None or not row.label:
            refused.append((row, "there is no such picture" if row.file is None else "it has no label"))
        else:
            of_file[row.file].append(row)
    used = []
    for same in of_file.values():
        if len({row.label for row in same}) > 1:
            refused += [(row, "rows of this picture name different classes") for row in same]
        else:
            used.append(same[0])
            refused += [(row, "a row above names the same picture") for row in same[1:]]
    return used, tuple({"name": row.where, "reason": why} for row, why in refused)


def _album(rows: Sequence[Row], table: Path, name: str, root: Path) -> Album:
    """Return rows as the pictures of splits and classes."""
    parts: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        parts[row.part or "train"].append(row)
    if not parts["train"]:
        raise BadInput(display_name(table.name), "no row of it that can be used is of train", "add some")
    number, classes = _classes(parts["train"], table)
    strange = Counter(row.label for row in rows if row.label not in number)
    parts = {part: [row for row in each if row.label in number] for part, each in parts.items()}
    sources = sorted({row.source for row in parts["train"] if row.source}, key=natural_key)
    groups = sorted({row.group for row in rows if row.group})
    filed = {part: _filed(each, number, sources, groups) for part, each in parts.items() if each}
    notes: tuple[str, ...] = ()
    if "test" not in filed and "validation" in filed:
        filed["test"] = filed.pop("validation")
        notes = ("there is no test set: the validation set is taken as one",)
    return Album(
        name=name,
        root=root,
        words="",
        classes=classes,
        train=filed["train"],
        test=filed.get("test"),
        validation=filed.get("validation"),
        source_names=tuple(sources),
        notes=notes,
        refused=tuple(
            {
                "name": f"{count:,} rows of '{display_name(label)}'",
                "reason": "train has no class of that name",
            }
            for label, count in sorted(strange.items())
        ),
    )


def _classes(train: Sequence[Row], table: Path) -> tuple[dict[str, int], tuple[str, ...]]:
    """Return the number of each label, and the classes, which `classes.json` may name."""
    labels = {row.label for row in train}
    names = class_names(table)
    if names is None or not all(label.isascii() and label.isdecimal() for label in labels):
        order = class_order(labels)
        return {label: number for number, label in enumerate(order)}, order
    high = max(map(int, labels))
    if high >= len(names):
        why = f"it names {len(names)} classes, and a label in {display_name(table.name)} is {high}"
        raise BadInput(CLASSES, why, "name every class, from 0 on, or take the file away")
    return {label: int(label) for label in labels | set(map(str, range(len(names))))}, names


def _filed(rows: Sequence[Row], number: dict[str, int], sources: list[str], groups: list[str]) -> Filed:
    return Filed(
        files=tuple(row.file for row in rows if row.file is not None),
        y=np.array([number[row.label] for row in rows], np.int64),
        sources=_places([row.source for row in rows], sources),
        groups=_places([row.group for row in rows], groups),
    )


def _places(values: Sequence[str], known: Sequence[str]) -> Rows | None:
    """Return where each value stands among those known, -1 for none; None where none is known."""
    places = {value: place for place, value in enumerate(known)}
    return np.array([places.get(value, -1) for value in values], np.int64) if known else None
