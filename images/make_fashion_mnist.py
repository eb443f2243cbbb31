"""Make `images/fashion-mnist/`, the bundled part of Fashion-MNIST, from the four files of Zalando.

    apt-get download dataset-fashion-mnist && dpkg-deb -x dataset-fashion-mnist_*.deb /tmp/fashion
    python images/make_fashion_mnist.py /tmp/fashion/usr/share/datasets/fashion-mnist [FOLDER]

The first folder has the files in the IDX format, gzipped (Debian's package, or as published) or not; their
content must be that of `FILES`. Taken are the first 1,000 rows of each class of the training files and the
first 200 of each class of the test files, in their original order. The images come out the same everywhere;
the bytes of the sheets depend on the version of libwebp.
"""

from __future__ import annotations

import gzip
import struct
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))  # so that it runs as a plain script from anywhere

from boomerang.digest import sha256_bytes  # noqa: E402
from boomerang.errors import BadInput  # noqa: E402
from boomerang.manifest import Manifest  # noqa: E402
from images.make_images import write_sums  # noqa: E402
from processing.datasets.common.sheets import write_sheets  # noqa: E402
from processing.datasets.fashion_mnist import CLASSES  # noqa: E402

NAME = "fashion-mnist-12k"
PER_CLASS = {"train": 1_000, "test": 200}
PREFIXES = {"train": "train", "test": "t10k"}
# Sha256 of the content, without gzip: the packing differs from mirror to mirror.
FILES = {
    "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
}

Bytes = npt.NDArray[np.uint8]


def published(folder: Path, name: str) -> Bytes:
    """Return the array of one of the published files.

    Raises
    ------
    BadInput
        If it is another than that which was published.
    """
    packed = folder / f"{name}.gz"
    content = gzip.decompress(packed.read_bytes()) if packed.exists() else (folder / name).read_bytes()
    if sha256_bytes(content) != FILES[name]:
        raise BadInput(name, f"its content has the sha256 {sha256_bytes(content)}", "take the published file")
    # IDX: two zeros, the type (8 is unsigned bytes), the number of axes, then the length of each, big-endian.
    axes = content[3]
    shape = struct.unpack(f">{axes}I", content[4 : 4 + 4 * axes])
    return np.frombuffer(content, np.uint8, offset=4 + 4 * axes).reshape(shape)


def first_of_each(y: Bytes, per_class: int) -> npt.NDArray[np.int64]:
    """Return the rows that are among the first so many of their class, in ascending order."""
    return np.sort(np.concatenate([np.flatnonzero(y == k)[:per_class] for k in range(len(CLASSES))]))


def make(source: Path, folder: Path) -> Manifest:
    """Write the sheets, the labels, the license and the manifest."""
    splits = {}
    for split, prefix in PREFIXES.items():
        x, y = (published(source, f"{prefix}-{part}") for part in ("images-idx3-ubyte", "labels-idx1-ubyte"))
        rows = first_of_each(y, PER_CLASS[split])
        splits[split] = (x[rows][..., None], y[rows].astype(np.int64))
    recipe = {
        "what": "the first rows of each class, in the original order",
        "per_class": PER_CLASS,
        "sha256_of_the_published_files": FILES,
    }
    license_text = (HERE / "fashion-mnist" / "LICENSE").read_bytes()
    return write_sheets(
        folder, splits, name=NAME, classes=CLASSES, recipe=recipe, beside={"LICENSE": license_text}
    )


def main(source: Path, images: Path) -> None:
    """Make the folder anew, and the sums of all pictures."""
    print(make(source, images / "fashion-mnist").digest)
    if images == HERE:
        write_sums(images)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else HERE)
