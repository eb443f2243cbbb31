"""Which source reads what lies at a path: told by content and layout, whatever the files are called."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from boomerang.errors import BadInput
from boomerang.safeio import display_name
from boomerang.settings import DataConfig
from processing.datasets.common.base import Source
from processing.datasets.common.foreign.companions import starts_with
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
    files = [path] if place.is_file() else [entry for entry in _entries(place) if entry.is_file()]
    for file in files:
        for kind in _UNREAD:
            if file.name.casefold().endswith(kind.endings) or starts_with(file, kind.starts):
                return BadInput(what, f"{display_name(file.name)} is {kind.words}", kind.do)
    if not place.is_dir():
        return BadInput(what, f"no source reads a file of this kind ({place.suffix or 'no ending'})", _do())
    endings = Counter(entry.suffix or "a folder or no ending" for entry in _entries(place))
    seen = ", ".join(f"{count} x {ending}" for ending, count in endings.most_common(_MOST_NAMED))
    return BadInput(what, f"no source reads what lies there ({seen or 'nothing'})", _do())


def _entries(place: Path) -> list[Path]:
    return sorted(entry for entry in place.iterdir() if not is_litter(entry.name))


def _do() -> str:
    from processing.datasets import SOURCES  # it imports this module

    known = "; ".join(source.title for source in SOURCES.values() if source.needs_path)
    return f"give one of these: {known}"


@dataclass(frozen=True)
class _Unread:
    """Files that no source reads, told by their ending or their first bytes, and what to do with them."""

    words: str
    do: str
    endings: tuple[str, ...]
    starts: tuple[bytes, ...] = ()


_SAVE = "np.savez('mine.npz', x_train=x, y_train=y)"
_UNREAD = (
    _Unread(
        "a tensor of PyTorch, which runs code when it is opened",
        f"open it where you trust it and save its arrays: {_SAVE}",
        (".pt", ".pth"),
    ),
    _Unread(
        "a pickle, which runs code when it is opened",
        "of CIFAR take the binary version (cifar-10-binary.tar.gz), or "
        "((x, y), (u, v)) = keras.datasets.cifar10.load_data(); np.savez('cifar.npz', x_train=x, y_train=y, "
        f"x_test=u, y_test=v); of your own open it where you trust it and {_SAVE}",
        (".pkl", ".pickle"),
        tuple(b"\x80" + bytes([protocol]) for protocol in range(2, 6)),
    ),
    _Unread(
        "a file of Matlab, as SVHN is published",
        f"d = scipy.io.loadmat('train_32x32.mat'); x, y = d['X'].transpose(3, 0, 1, 2), d['y'] % 10; {_SAVE}",
        (".mat",),
        (b"MATLAB",),
    ),
    _Unread(
        "Parquet",
        "save each row['image'] of datasets.load_dataset('parquet', data_files=...)['train'] into a folder "
        "named as its class, and give the folder above",
        (".parquet",),
        (b"PAR1",),
    ),
    _Unread(
        "TFRecord, whose features only their author knows",
        "read it with tf.data.TFRecordDataset and tf.io.parse_single_example, and "
        "np.savez('mine.npz', x_train=x, y_train=y)",
        (".tfrecord", ".tfrecords"),
    ),
    _Unread(
        "an archive",
        "unpack it, and give the folder",
        (".zip", ".tar", ".tar.gz", ".tgz", ".7z", ".rar", ".tar.bz2", ".tar.xz"),
    ),
    _Unread("a film", "save its frames as pictures, in one folder a class", (".mp4", ".avi", ".mov", ".mkv")),
)
