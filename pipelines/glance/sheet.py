"""Some training images of each class, as one picture."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np

from boomerang.manifest import Images
from boomerang.shown import display_name
from pipelines.glance.look import Look
from processing.datasets.common.corpus import Request
from processing.sharing.tasks import alone

if TYPE_CHECKING:
    from pathlib import Path

    from PIL.Image import Image as Picture

_SIDE_PX, _GAP_PX, _TEXT_PX, _NAME_PX = 64, 4, 12, 160
_EACH, _MOST_CLASSES, _LONGEST_NAME = 8, 50, 24
_BACK, _INK = (255, 255, 255), (20, 20, 20)


def draw(found: Look, path: Path) -> bytes:
    """Return the PNG: a row a class, its name and its first training images; of many classes the first.

    All images are read for that, as a run would.

    Raises
    ------
    BadInput
        If the data cannot be used.
    """
    from PIL import Image, ImageDraw, ImageFont

    train = found.source.blueprint(Request(path, found.data.name)).build(alone).train
    classes = found.survey.classes[:_MOST_CLASSES]
    line = _SIDE_PX + _GAP_PX
    sheet = Image.new("RGB", (_NAME_PX + _EACH * line + _GAP_PX, len(classes) * line + _GAP_PX), _BACK)
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(_TEXT_PX)
    for label, name in enumerate(classes):
        top = _GAP_PX + label * line
        pen.text((_GAP_PX, top + _SIDE_PX // 2 - _TEXT_PX // 2), _short(name), _INK, font)
        rows = np.flatnonzero(train.y == label)[:_EACH]
        for column, image in enumerate(train.take(rows).x):
            sheet.paste(_fitted(image), (_NAME_PX + column * line, top))
    png = io.BytesIO()
    sheet.save(png, "PNG")
    return png.getvalue()


def _short(name: str) -> str:
    shown = display_name(name)
    return shown if len(shown) <= _LONGEST_NAME else f"{shown[: _LONGEST_NAME - 3]}..."


def _fitted(image: Images) -> Picture:
    """Return an image in a square of the sheet, its sides in proportion; of odd channels the first."""
    from PIL import Image

    shown = image[..., :3] if image.shape[2] >= 3 else image[..., :1]
    color = np.ascontiguousarray(np.broadcast_to(shown, (*image.shape[:2], 3)))
    scale = _SIDE_PX / max(color.shape[:2])
    size = (max(1, round(color.shape[1] * scale)), max(1, round(color.shape[0] * scale)))
    return Image.fromarray(color).resize(size, Image.Resampling.NEAREST)
