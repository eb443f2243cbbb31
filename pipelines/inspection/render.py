"""Makes the page of an inspection from its document and the pictures, and from nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from boomerang.manifest import Images
from pipelines.inspection import bars
from pipelines.inspection.document import Document
from pipelines.page.shell import Shell
from pipelines.report.pictures import data_uri
from training.checks.neural_cleanse import ReversedTriggers

_TEMPLATES = Path(__file__).with_name("templates")
_EXAMPLES = 4


def render(document: Document, pictures: Mapping[str, str]) -> str:
    """Return the page: one file that needs nothing else."""
    return _shell().render("inspection", document=document, pictures=pictures)


@lru_cache(maxsize=1)
def _shell() -> Shell:
    return Shell(_TEMPLATES, {}, {"draw": bars})


def pictures_of(triggers: ReversedTriggers | None, clean: Images | None) -> dict[str, str]:
    """Return data URIs of the smallest reversed trigger: mask, patch, and clean images with and without."""
    if triggers is None or clean is None:
        return {}
    at = triggers.smallest
    mask, pattern = triggers.masks[at][..., None], triggers.patterns[at]
    found = {"mask": data_uri(_bytes(mask)), "trigger": data_uri(_bytes(mask * pattern))}
    for k, image in enumerate(np.asarray(clean[:_EXAMPLES])):
        found[f"before-{k}"] = data_uri(image)
        found[f"after-{k}"] = data_uri(_bytes(image / 255 * (1 - mask) + mask * pattern))
    return found


def _bytes(image: npt.NDArray[Any]) -> Images:
    return np.asarray(np.rint(np.clip(image, 0, 1) * 255), np.uint8)
