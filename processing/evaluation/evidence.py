"""What a person should see of a run: small galleries of images with what each model calls them.

Rows are taken at even steps, never by how well they make the point.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from boomerang.manifest import Images
from boomerang.safeio import write_json_atomic

ARRAYS = "arrays"
GALLERY = "gallery.json"

Kind = Literal["poisoned", "triggered", "pictures", "canaries"]
Predict = Callable[[Images], npt.NDArray[np.float32]]


@dataclass(frozen=True)
class Group:
    """Some images to show together.

    Attributes
    ----------
    kind : str
    key : str
        Distinguishes groups of one kind.
    title : str
    x : uint8[n, H, W, C], 0..255
    before : uint8[n, H, W, C] or None
        The same images without the trigger.
    given, right : sequence of str or None
        The label that each carries, and what it shows.
    ids : sequence of str
    attack : str or None
    """

    kind: Kind
    key: str
    title: str
    x: Images
    before: Images | None
    given: list[str | None]
    right: list[str]
    ids: list[str]
    attack: str | None = None


def evenly(count: int, most: int) -> npt.NDArray[np.int64]:
    """Return at most `most` indices of `count`, at even steps."""
    if count <= most:
        return np.arange(count)
    return np.linspace(0, count - 1, most).round().astype(np.int64)


def write_gallery(
    folder: Path, groups: list[Group], models: Mapping[str, Predict], classes: tuple[str, ...]
) -> None:
    """Write `gallery.json` and its arrays, each image with every model's call and confidence."""
    (folder / ARRAYS).mkdir(exist_ok=True)
    described = [
        _describe(folder, number, group, models, classes)
        for number, group in enumerate(groups)
        if len(group.x)
    ]
    write_json_atomic(folder / GALLERY, {"groups": described})


def _describe(
    folder: Path, number: int, group: Group, models: Mapping[str, Predict], classes: tuple[str, ...]
) -> dict[str, Any]:
    answers = {name: predict(group.x) for name, predict in models.items()}
    return {
        "id": f"{group.kind}:{group.key}",
        "kind": group.kind,
        "title": group.title,
        "attack": group.attack,
        "images": _save(folder, f"gallery-{number}", group.x),
        "before": None if group.before is None else _save(folder, f"gallery-{number}-before", group.before),
        "items": [
            {
                "id": group.ids[i],
                "given": group.given[i],
                "right": group.right[i],
                "calls": {name: classes[int(p[i].argmax())] for name, p in answers.items()},
                "confidence": {name: round(float(p[i].max()), 4) for name, p in answers.items()},
            }
            for i in range(len(group.x))
        ],
    }


def _save(folder: Path, name: str, x: Images) -> str:
    np.save(folder / ARRAYS / f"{name}.npy", np.ascontiguousarray(x), allow_pickle=False)
    return f"{ARRAYS}/{name}.npy"
