"""Tables whose rows are images: a label and every pixel, as on Kaggle."""

from __future__ import annotations

import math
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np

from boomerang.errors import BadInput
from boomerang.safeio import display_name, load_pixels, pixel_columns
from processing.datasets.common.foreign.array_source import ArraySource, Found, Part
from processing.datasets.common.foreign.companions import beside, class_names
from processing.datasets.common.foreign.image_forms import Stored
from processing.datasets.common.foreign.naming import by_split
from processing.sharing.spool import Spool

_ENDINGS = ("*.csv", "*.csv.gz", "*.tsv", "*.tsv.gz")
_LABELS = ("label", "class", "target", "y")
_FEWEST_PIXELS = 64


class PixelTable(ArraySource):
    """Tables of text, a row an image: a column `label` and one for each pixel, gzipped or not.

    So are the digits, Sign Language MNIST and Fashion-MNIST on Kaggle. One table holds all, or there is a
    `train.csv` and a `test.csv`; one without labels is left out. Images are square and gray, row by row.
    A file `classes.json` beside it, a list of names, names the classes; without it numbers do.
    """

    title: ClassVar[str] = "tables of pixels"
    words: ClassVar[str] = "images from a table that was handed in"

    kind: Literal["pixel_table"] = "pixel_table"

    @classmethod
    def recognizes(cls, path: Path) -> bool:
        """Whether it is such a table, or a folder with one."""
        return bool(_tables(path))

    def find(self, path: Path, name: str) -> Found:
        """Return the rows of the tables, parsed."""
        tables = _tables(path)
        files = {file.name: file for file in tables}
        read = {split: files[file] for split, file in by_split(list(files), display_name(path.name)).items()}
        parts = {split: _part(file, tables[file]) for split, file in read.items()}
        return Found(
            name=name or (path.name.partition(".")[0] if path.is_file() else path.name),
            words=f"a row of pixels an image in {', '.join(file.name for file in read.values())}",
            train=parts["train"],
            test=parts.get("test"),
            validation=parts.get("validation"),
            classes=class_names(read["train"]),
            refused=beside(path, list(read.values())),
        )

    @classmethod
    def write_example(cls, folder: Path) -> bool:
        """Write noise of three classes."""
        rng = np.random.default_rng(0)
        names = ["label", *(f"pixel{number}" for number in range(144))]
        rows = np.column_stack([np.arange(36) % 3, rng.integers(0, 256, (36, 144))])
        lines = [",".join(names), *(",".join(map(str, row)) for row in rows)]
        (folder / "train.csv").write_text("\n".join(lines) + "\n")
        return True


def _tables(path: Path) -> dict[Path, str]:
    """Return the tables of labeled pixels at a path, each with the column of its labels."""
    files = [path] if path.is_file() else []
    if path.is_dir():
        files = sorted({file for ending in _ENDINGS for file in path.glob(ending) if file.is_file()})
    found = {}
    for file in files:
        columns = pixel_columns(file)
        label = next((name for name in columns if name.casefold() in _LABELS), None)
        if label is not None and len(columns) > _FEWEST_PIXELS:
            found[file] = label
    return found


def _part(file: Path, label: str) -> Part:
    images, labels = Spool(), []
    for pixels, classes in load_pixels(file, label):
        images.add(pixels)
        labels.append(classes)
    if not labels:
        raise BadInput(display_name(file.name), "it has no row", "give one image or more")
    x = images.rows()
    side = math.isqrt(x.shape[1])
    if side * side != x.shape[1]:
        why = f"an image has {x.shape[1]:,} values, which is no square"
        raise BadInput(display_name(file.name), why, "save its images as .npy or .npz, uint8[N, H, W, C]")
    shaped = x.reshape(-1, side, side)
    stored = Stored(f"the pixels of {file.name}", shaped.shape, shaped.dtype, lambda: shaped)
    return Part(stored, np.concatenate(labels), f"'{label}' of {file.name}")
