"""Folders that people keep pictures in: which are of a split, what lies below, and what is passed over."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from boomerang.errors import BadInput
from boomerang.safeio import display_name, why_no_picture
from processing.datasets.common.foreign.naming import split_of, words_of
from processing.datasets.common.foreign.recognition import is_litter
from processing.datasets.common.survey import Refusals
from processing.pictures.decoding import LEADS_OUT, leads_out, name_below
from processing.pictures.listing import natural_key

_DEEPEST = 16
_MOST_NAMED = 100


def parts_below(path: Path) -> dict[str, Path]:
    """Return the folders in a folder that are of a split; `train` goes before `seg_train`.

    Raises
    ------
    BadInput
        If two are of one split, and neither goes before the other.
    """
    found: dict[str, list[Path]] = {}
    for folder in folders_in(path):
        part = split_of(folder.name)
        if part is not None:
            found.setdefault(part, []).append(folder)
    return {part: _one(part, folders, path) for part, folders in found.items()}


def _one(part: str, folders: list[Path], path: Path) -> Path:
    plain = [folder for folder in folders if len(words_of(folder.name)) == 1]
    best = plain or folders
    if len(best) > 1:
        names = " and ".join(sorted(display_name(folder.name) for folder in best))
        raise BadInput(display_name(path.name), f"{names} are both its {part} set", "leave one of them there")
    return best[0]


def folders_in(path: Path) -> list[Path]:
    """Return the folders in a folder, by name; of links and what systems leave there none."""
    return sorted(entry for entry in path.iterdir() if is_folder(entry) and not is_litter(entry.name))


def is_folder(path: Path) -> bool:
    """Whether it is a folder, and no link to one."""
    return path.is_dir() and not path.is_symlink()


def holds_picture(folder: Path) -> bool:
    """Whether there is a picture in a folder or below it, by its first bytes."""
    return any(not why and not why_no_picture(file) for file, why in files_below(folder, folder))


def pictures_below(folder: Path, root: Path) -> tuple[list[Path], dict[Path, str]]:
    """Return the pictures in a folder and below it, in natural order, and why others are left out.

    Parameters
    ----------
    folder : Path
    root : Path
        A link that leads out of it is left out.
    """
    pictures, left_out = [], {}
    for file, passed in files_below(folder, root):
        why = passed or why_no_picture(file)
        if why:
            left_out[file] = why
        else:
            pictures.append(file)
    return sorted(pictures, key=lambda file: _place(file, folder)), left_out


def _place(file: Path, folder: Path) -> list[tuple[list[int | str], str]]:
    return [natural_key(part) for part in file.relative_to(folder).parts]


def files_below(folder: Path, root: Path) -> Iterator[tuple[Path, str]]:
    """Yield the files below a folder, and why one is passed over, if so; folders that are, likewise."""
    todo = [(folder, 1)]
    while todo:
        inside, depth = todo.pop()
        for entry in sorted(os.scandir(inside), key=lambda entry: entry.name):
            path = Path(entry.path)
            why = why_passed_over(path, root)
            if why or not entry.is_dir():
                yield path, why
            elif depth >= _DEEPEST:
                yield path, f"it lies deeper than {_DEEPEST} folders"
            else:
                todo.append((path, depth + 1))


def why_passed_over(path: Path, root: Path) -> str:
    """Return why a file or folder is not looked into, its name or where it leads; empty where it is."""
    if path.name.startswith("."):
        return "it is hidden"
    if is_litter(path.name):
        return "an operating system left it there"
    if leads_out(path, root):
        return LEADS_OUT
    return "it is a link to a folder" if path.is_symlink() and path.is_dir() else ""


def class_order(names: Iterable[str]) -> tuple[str, ...]:
    """Return class names in order: by the alphabet, or, where all are numbers, by those: 10 is after 9."""
    names = sorted(names)
    if all(name.isascii() and name.isdecimal() for name in names):
        names.sort(key=int)
    return tuple(names)


def refusals(left_out: Mapping[Path, str], root: Path) -> Refusals:
    """Return what was left out of a folder, in natural order."""
    named = sorted(((name_below(path, root), why) for path, why in left_out.items()), key=_by_name)
    return tuple({"name": name, "reason": why} for name, why in named)


def _by_name(named: tuple[str, str]) -> tuple[list[int | str], str]:
    return natural_key(named[0])


def shortened(refused: Iterable[Mapping[str, str]]) -> Refusals:
    """Return refusals with the names of very many of one reason counted, but for the first of them."""
    every = [dict(entry) for entry in refused]
    times, out, seen = Counter(entry["reason"] for entry in every), [], Counter[str]()
    for entry in every:
        why = entry["reason"]
        seen[why] += 1
        if seen[why] <= _MOST_NAMED:
            out.append(entry)
        elif seen[why] == _MOST_NAMED + 1:
            out.append({"name": f"{times[why] - _MOST_NAMED:,} more", "reason": why})
    return tuple(out)
