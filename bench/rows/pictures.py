"""Photographs of 12 megapixels as rows of 32x32: the loop of the book, Pillow at its fastest, and ours."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from bench.contest import Contender, Facts, Row, Setting, Task, source, times_ours
from boomerang.manifest import Images

_PACKAGES = ("pillow",)


def book(folder: Path) -> Images:
    """The book's chapter 4: each picture on a white square, resized by LANCZOS, all into one array."""
    rows = []
    for file in sorted(folder.iterdir()):
        image = Image.open(file).convert("RGB")
        side = max(image.size)
        square = Image.new("RGB", (side, side), (255, 255, 255))
        square.paste(image, ((side - image.width) // 2, (side - image.height) // 2))
        rows.append(np.array(square.resize((32, 32), Image.Resampling.LANCZOS)))
    return np.stack(rows)


def pillow_draft(folder: Path) -> Images:
    """The same, but the JPEG is decoded at the smallest scale that libjpeg has for 32 pixels."""
    rows = []
    for file in sorted(folder.iterdir()):
        stored = Image.open(file)
        stored.draft("RGB", (32, 32))
        image = stored.convert("RGB")
        side = max(image.size)
        square = Image.new("RGB", (side, side), (255, 255, 255))
        square.paste(image, ((side - image.width) // 2, (side - image.height) // 2))
        rows.append(np.array(square.resize((32, 32), Image.Resampling.LANCZOS)))
    return np.stack(rows)


def ours(folder: Path, out: Path) -> Images:
    from processing.pictures.resize_folder import resize_folder

    return np.asarray(np.load(resize_folder(folder, out, size_px=32).array))


def photographs(setting: Setting) -> Path:
    """Return a folder of JPEGs as a camera makes them: 4000 x 3000, smooth shapes, texture and noise."""
    folder = setting.scratch / "photographs"
    if not folder.exists():
        rng = np.random.default_rng(setting.seed)
        width, height = setting.of(4000, 400), setting.of(3000, 300)
        folder.mkdir()
        for number in range(setting.of(12, 2)):
            shapes = Image.fromarray(rng.integers(0, 256, (12, 16, 3), np.uint8))
            grain = Image.fromarray(rng.integers(0, 256, (height // 4, width // 4, 3), np.uint8))
            whole = Image.blend(shapes.resize((width, height), 3), grain.resize((width, height), 3), 0.15)
            whole.save(folder / f"{number:02}.jpeg", quality=90)
    return folder


def _prepared(call: Callable[..., Images], *, writes: bool = False) -> Callable[[Setting], Task]:
    def prepare(setting: Setting) -> Task:
        folder = photographs(setting)
        exact = book(folder) if writes or call is pillow_draft else None
        given: tuple[Any, ...] = (folder, setting.scratch / "rows") if writes else (folder,)

        def facts(rows: Images) -> Facts:
            if exact is None:
                return {"rows": len(rows)}
            apart = np.abs(rows.astype(int) - exact)
            return {"rows": len(rows), "farthest_from_the_book": int(apart.max())}

        return Task(lambda: call(*given), facts)

    return prepare


ROWS = (
    Row(
        name="pictures",
        operation="twelve JPEGs of 12 megapixels as rows of 32x32x3",
        contenders=(
            Contender("ours", source(ours), _prepared(ours, writes=True), _PACKAGES),
            Contender("book", source(book), _prepared(book), _PACKAGES),
            Contender("Pillow", source(pillow_draft), _prepared(pillow_draft), _PACKAGES),
        ),
        goals=(times_ours("book", 6), times_ours("Pillow", 1)),
        runs=3,
        notes="Ours also takes the digest of every file, writes the small pictures for the eye and a "
        "manifest, and looks for what a hostile file may hold; the others only make the array.",
        cpu_s=30,
    ),
)
