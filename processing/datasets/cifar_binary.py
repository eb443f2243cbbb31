"""CIFAR-10 and CIFAR-100 as their authors publish them in binary."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt

from boomerang.errors import BadInput
from boomerang.manifest import Images
from boomerang.safeio import display_name, map_records, read_bytes
from processing.datasets.common.foreign.array_source import ArraySource, Found, Part
from processing.datasets.common.foreign.companions import beside, class_names
from processing.datasets.common.foreign.image_forms import Stored

_IMAGE = (3, 32, 32)
_PIXELS = 3 * 32 * 32
_MOST_NAME_BYTES = 1 << 16


class CifarBinary(ArraySource):
    """CIFAR-10 or CIFAR-100 (Krizhevsky 2009) in binary: `data_batch_1.bin` and on, or `train.bin`.

    A record is one byte of label (two of CIFAR-100, the coarse one first) and 3,072 bytes of red, green and
    blue planes. `batches.meta.txt`, or the list of fine or coarse names, names the classes.

    `labels` chooses between the `fine` and the `coarse` labels of CIFAR-100.
    """

    title: ClassVar[str] = "CIFAR in binary"
    words: ClassVar[str] = "small photographs in the files that CIFAR is published in"

    kind: Literal["cifar_binary"] = "cifar_binary"
    labels: Literal["fine", "coarse"] = "fine"

    @classmethod
    def recognizes(cls, path: Path) -> bool:
        """Whether it is a folder with such files, by their names and sizes."""
        files = [file for files in _files(path).values() for file in files]
        return bool(files) and all(_label_bytes(file) for file in files)

    def find(self, path: Path, name: str) -> Found:
        """Return the records of the files."""
        files = _files(path)
        if "train" not in files:
            why = "there is no data_batch_1.bin and no train.bin to train on"
            raise BadInput(display_name(path.name), why, "unpack the whole archive")
        skips = {_label_bytes(file) for every in files.values() for file in every}
        if len(skips) > 1:
            raise BadInput(
                display_name(path.name), "it has files of CIFAR-10 and of CIFAR-100", "take them apart"
            )
        (skip,) = skips
        column = 0 if skip == 1 or self.labels == "coarse" else 1
        names = _names_file(path, skip, self.labels)
        read = [file for every in files.values() for file in every] + [names]
        return Found(
            name=name or path.name,
            words=f"CIFAR-{10 if skip == 1 else 100} in binary, {', '.join(file.name for file in read[:-1])}",
            train=_part(files["train"], skip, column),
            test=_part(files["test"], skip, column) if "test" in files else None,
            classes=_listed(names) or class_names(names),
            refused=beside(path, read),
        )

    @classmethod
    def write_example(cls, folder: Path) -> bool:
        """Write noise of two classes in two batches and a test batch."""
        rng = np.random.default_rng(0)
        for name, rows in (("data_batch_1", 8), ("data_batch_2", 8), ("test_batch", 6)):
            records = rng.integers(0, 256, (rows, 1 + _PIXELS), np.uint8)
            records[:, 0] = np.arange(rows) % 2
            (folder / f"{name}.bin").write_bytes(records.tobytes())
        (folder / "batches.meta.txt").write_text("airplane\nbird\n\n")
        return True


def _files(path: Path) -> dict[str, list[Path]]:
    """Return the files of each split."""
    if not path.is_dir():
        return {}
    found = {
        "train": sorted(path.glob("data_batch_[0-9]*.bin")) or sorted(path.glob("train.bin")),
        "test": sorted(path.glob("test_batch.bin")) or sorted(path.glob("test.bin")),
    }
    return {split: files for split, files in found.items() if files}


def _label_bytes(file: Path) -> int:
    """Return how many bytes of label a record has; 0 for a file that is not of whole records."""
    size = file.stat().st_size
    expected = 2 if file.name in ("train.bin", "test.bin") else 1
    return expected if size and size % (expected + _PIXELS) == 0 else 0


def _names_file(path: Path, skip: int, labels: str) -> Path:
    return path / ("batches.meta.txt" if skip == 1 else f"{labels}_label_names.txt")


def _listed(file: Path) -> tuple[str, ...] | None:
    if not file.exists():
        return None
    try:
        text = read_bytes(file, _MOST_NAME_BYTES).decode()
    except UnicodeDecodeError:
        raise BadInput(file.name, "it is no UTF-8", "save it as UTF-8, a name a line") from None
    return tuple(line.strip() for line in text.splitlines() if line.strip())


def _part(files: Sequence[Path], skip: int, column: int) -> Part:
    records: list[npt.NDArray[np.uint8]] = [map_records(file, skip + _PIXELS) for file in files]
    images = _Planes(records, skip, _IMAGE)
    labels = np.concatenate([each[:, column] for each in records])
    what = files[0].name if len(files) == 1 else f"{files[0].name} and on"
    stored = Stored(f"the images of {what}", images.shape, np.dtype(np.uint8), lambda: images)
    return Part(stored, labels, f"the labels of {what}")


class _Planes:
    """The images of records, read in stretches.

    Parameters
    ----------
    records : sequence of uint8[M, K]
        Mapped; each row is a label's bytes and then an image in planes.
    skip : int
        How many bytes come before the image.
    image : (int, int, int)
        (C, H, W).
    """

    def __init__(
        self, records: Sequence[npt.NDArray[np.uint8]], skip: int, image: tuple[int, int, int]
    ) -> None:
        self._records, self._skip, self._image = records, skip, image
        self.shape = (sum(len(each) for each in records), *image)

    def __getitem__(self, rows: slice) -> Images:
        """Return a stretch of images, uint8[M, C, H, W]."""
        start, stop, _ = rows.indices(self.shape[0])
        found, passed = [np.empty((0, *self._image), np.uint8)], 0
        for each in self._records:
            block = each[max(0, start - passed) : max(0, stop - passed), self._skip :]
            found.append(block.reshape(-1, *self._image))
            passed += len(each)
        return np.concatenate(found)
