"""Which source reads what lies at a path: told by content and layout, whatever the files are called."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from boomerang.errors import BadInput
from boomerang.safeio import display_name
from boomerang.settings import DataConfig
from processing.datasets.common.base import Source
from processing.datasets.common.survey import Survey

_MOST_WRAPPERS = 3
_MOST_NAMED = 5
# What a Mac and Windows leave in every folder and archive.
_LITTER = ("__MACOSX", "Thumbs.db", "desktop.ini")


def is_litter(name: str) -> bool:
    """Whether a file or folder of this name is passed over: hidden, or left by an operating system."""
    return name.startswith(".") or name in _LITTER


def recognized(path: Path, preferred: str = "") -> tuple[str, Path]:
    """Return the kind of the source that reads what lies at a path, and where: below what only wraps it.

    Parameters
    ----------
    path : Path
        A file or a folder.
    preferred : str
        The kind that is taken where it can read it, though others could.

    Raises
    ------
    BadInput
        If no source reads it, or several do and none is preferred.
    """
    place = path
    for _ in range(_MOST_WRAPPERS + 1):
        kinds = _readers(place)
        if preferred in kinds:
            return preferred, place
        if len(kinds) == 1:
            return kinds[0], place
        if kinds:
            why = f"it can be read as {' or as '.join(kinds)}"
            raise BadInput(display_name(path.name), why, f'say which: source = "{kinds[0]}"')
        inner = _wrapped(place)
        if inner is None:
            break
        place = inner
    raise _unknown(path, place)


def place_of(source: type[Source], path: Path) -> Path:
    """Return where below a path lies what a source reads: the path itself, or what folders wrap.

    Raises
    ------
    BadInput
        If it reads nothing there.
    """
    place: Path | None = path
    for _ in range(_MOST_WRAPPERS + 1):
        if place is not None and source.recognizes(place):
            return place
        place = None if place is None else _wrapped(place)
    raise _unknown(path, path)


def with_source(data: DataConfig) -> DataConfig:
    """Return the section with the source that reads its path, where another was named or none.

    A published set that has a path keeps its name, and its classes: what lies there is read as what it is.

    Raises
    ------
    BadInput
        As `recognized`.
    """
    from processing.datasets import SOURCES  # it imports this module

    if not data.path or data.source not in SOURCES or SOURCES[data.source].published:
        return data
    kind, _ = recognized(Path(data.path), data.source)
    return data.model_copy(update={"source": kind})


def surveyed(source: Source, data: DataConfig) -> Survey | None:
    """Return what a glance at the files that a section names tells, of the classes that it names.

    Raises
    ------
    ConfigError
        If the data has no such class.
    BadInput
        If the files cannot be used.
    """
    found = source.survey(Path(data.path), data.name) if data.path else None
    return None if found is None else found.of_classes(data.classes)


def _readers(place: Path) -> list[str]:
    from processing.datasets import SOURCES  # it imports this module

    return [kind for kind, source in SOURCES.items() if source.recognizes(place)]


def _wrapped(place: Path) -> Path | None:
    """Return the one folder in a folder that holds nothing else."""
    if not place.is_dir():
        return None
    found = [entry for entry in place.iterdir() if not is_litter(entry.name)]
    return found[0] if len(found) == 1 and found[0].is_dir() and not found[0].is_symlink() else None


def _unknown(path: Path, place: Path) -> BadInput:
    what = display_name(path.name)
    if not place.is_dir():
        return BadInput(what, f"no source reads a file of this kind ({place.suffix or 'no ending'})", _do())
    entries = sorted(entry.name for entry in place.iterdir() if not is_litter(entry.name))
    endings = Counter(Path(name).suffix or "a folder or no ending" for name in entries)
    seen = ", ".join(f"{count} x {ending}" for ending, count in endings.most_common(_MOST_NAMED))
    return BadInput(what, f"no source reads what lies there ({seen or 'nothing'})", _do())


def _do() -> str:
    from processing.datasets import SOURCES  # it imports this module

    known = "; ".join(source.title for source in SOURCES.values() if source.needs_path)
    return f"give one of these: {known}"
