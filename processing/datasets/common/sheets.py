"""Small images on a few large ones: a set with its labels, in files that a repository can hold.

    train-0.webp, ...   images edge to edge, row by row, on sheets without loss; `test-0.webp`, ... likewise
    labels.npz          y_train, y_test: uint8, one for each image, in the order of the sheets
    manifest.json       name, classes, (N, H, W, C) of all images, and the digest of every file

Other files, such as a license, may lie there where the manifest names them. What is left of the last sheet of
a split is black.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import count, takewhile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from boomerang.errors import BadInput
from boomerang.manifest import MANIFEST, Images, Labels, Manifest, commit, committing, verify_folder
from boomerang.safeio import display_name, load_npz, open_image
from processing.datasets.common.corpus import Corpus, Split, as_split
from processing.datasets.common.survey import Survey

KIND = "sheets"
SPLITS = ("train", "test")

_LABELS = "labels.npz"
_MAKE = "take the folder as it is in the repository, or make it again"


def is_sheets(folder: Path) -> bool:
    """Whether a folder may be one of sheets."""
    return (folder / MANIFEST).is_file()


def look_at_sheets(folder: Path, classes: tuple[str, ...] | None = None) -> Manifest:
    """Check every file of a folder of sheets against its manifest, which is returned; no image is decoded.

    Parameters
    ----------
    folder : Path
    classes : tuple of str, optional
        The classes that it must have.

    Raises
    ------
    IntegrityError
        If a file is changed, missing, or not in the manifest.
    BadInput
        If it is no folder of sheets, or its classes are others.
    """
    manifest = verify_folder(folder)
    why = ""
    if manifest.kind != KIND or len(manifest.shape) != 4:
        why = f"its manifest says it is a {manifest.kind} of shape {list(manifest.shape)}"
    elif manifest.shape[3] not in (1, 3):
        why = f"its images have {manifest.shape[3]} channels, and sheets hold 1 or 3"
    elif classes is not None and manifest.classes != classes:
        why = f"its classes are {', '.join(map(display_name, manifest.classes))}"
    if why:
        raise BadInput(f"the sheets {folder.name}", why, _MAKE)
    return manifest


def read_sheets(folder: Path, classes: tuple[str, ...] | None = None) -> Corpus:
    """Read the images of a folder of sheets, every file of it verified before.

    Parameters
    ----------
    folder, classes
        See `look_at_sheets`.

    Raises
    ------
    IntegrityError, BadInput
        As `look_at_sheets`; also if a sheet's size or color is not that of the images, or there are fewer
        images than labels.
    """
    manifest = look_at_sheets(folder, classes)
    labels = load_npz(folder / _LABELS, only=[f"y_{split}" for split in SPLITS])
    train, test = (_split(folder, split, labels.get(f"y_{split}"), manifest) for split in SPLITS)
    if len(train) + len(test) != manifest.shape[0]:
        why = f"it has {len(train) + len(test)} labels, its manifest says {manifest.shape[0]}"
        raise BadInput(f"the sheets {folder.name}", why, _MAKE)
    return Corpus(manifest.name, manifest.classes, train, test)


def survey_sheets(folder: Path, classes: tuple[str, ...]) -> Survey:
    """Return what a folder of sheets says of itself, its files held against their digests.

    Raises
    ------
    IntegrityError, BadInput
        As `look_at_sheets`; also if there are no labels.
    """
    manifest = look_at_sheets(folder, classes)
    labels = load_npz(folder / _LABELS, only=[f"y_{split}" for split in SPLITS])
    counts = {}
    for split in SPLITS:
        found = np.bincount(_labels(folder, split, labels.get(f"y_{split}")), minlength=len(classes))
        counts[split] = tuple(int(rows) for rows in found)
    height, width, channels = manifest.shape[1:]
    return Survey("sheets of small images", manifest.classes, (height, width, channels), counts)


def _labels(folder: Path, split: str, y: Any) -> Any:
    if y is None:
        raise BadInput(f"{folder.name}/{_LABELS}", f"it has no y_{split}", _MAKE)
    return y


def _split(folder: Path, split: str, y: Any, manifest: Manifest) -> Split:
    y = _labels(folder, split, y)
    image = manifest.shape[1:]
    names = takewhile(manifest.files.__contains__, (f"{split}-{number}.webp" for number in count()))
    images = [_images(folder / name, image) for name in names]
    x = np.concatenate(images) if images else np.empty((0, *image), np.uint8)
    if len(x) < y.size:
        raise BadInput(f"{folder.name}/{_LABELS}", f"{y.size} labels for {len(x)} images of {split}", _MAKE)
    return as_split(x[: y.size], y, f"{folder.name}, {split}")


def _images(path: Path, image: tuple[int, ...]) -> Images:
    """Return the images of one sheet, uint8[N, H, W, C]."""
    height, width, channels = image
    sheet = np.asarray(open_image(path))[..., :channels] if channels == 3 else _gray(path)
    down, across = sheet.shape[0] // height, sheet.shape[1] // width
    if (down * height, across * width) != sheet.shape[:2]:
        why = f"it is {sheet.shape[1]} x {sheet.shape[0]}, no grid of {width} x {height}"
        raise BadInput(f"the sheet {path.name}", why, _MAKE)
    tiles = sheet.reshape(down, height, across, width, channels).swapaxes(1, 2)
    return np.ascontiguousarray(tiles.reshape(-1, height, width, channels))


def _gray(path: Path) -> Images:
    sheet = np.asarray(open_image(path))
    if (sheet != sheet[..., :1]).any():
        raise BadInput(f"the sheet {path.name}", "it has colors, and its images are gray", _MAKE)
    return sheet[..., :1]


def write_sheets(
    folder: Path,
    splits: Mapping[str, tuple[Images, Labels]],
    *,
    name: str,
    classes: Sequence[str],
    across: int = 50,
    down: int = 50,
    recipe: Mapping[str, Any] | None = None,
    beside: Mapping[str, bytes] | None = None,
) -> Manifest:
    """Write a folder of sheets in one piece.

    Parameters
    ----------
    folder : Path
        An older one there is replaced.
    splits : mapping of 'train' and 'test' to (uint8[N, H, W, C], int[N])
        The images have 1 or 3 channels.
    name, classes, recipe
        See `Manifest`.
    across, down : int
        Images of a whole sheet.
    beside : mapping of name to bytes
        Further files.
    """
    rows = sum(len(y) for _, y in splits.values())
    image = splits["train"][0].shape[1:]
    manifest = Manifest(
        name=name, kind=KIND, classes=tuple(classes), shape=(rows, *image), recipe=dict(recipe or {})
    )
    with committing(folder) as scratch:
        for split, (x, _) in splits.items():
            for number, start in enumerate(range(0, len(x), across * down)):
                sheet = _sheet(x[start : start + across * down], across)
                sheet.save(scratch / f"{split}-{number}.webp", lossless=True, quality=100, method=6)
        labels = {f"y_{split}": np.asarray(y).astype(np.uint8) for split, (_, y) in splits.items()}
        np.savez_compressed(scratch / _LABELS, **labels)
        for file, content in (beside or {}).items():
            (scratch / file).write_bytes(content)
        return commit(scratch, manifest)


def _sheet(x: Images, across: int) -> Image.Image:
    height, width, channels = x.shape[1:]
    down = -(-len(x) // across)
    tiles = np.zeros((down * across, height, width, channels), np.uint8)
    tiles[: len(x)] = x
    grid = tiles.reshape(down, across, height, width, channels).swapaxes(1, 2)
    pixels = grid.reshape(down * height, across * width, channels)
    return Image.fromarray(np.repeat(pixels, 3, axis=2) if channels == 1 else pixels)
