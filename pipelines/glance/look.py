"""What was recognized at a path, its classes and counts, and the entry that uses it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

from boomerang.errors import ConfigError, nearest
from boomerang.settings import CanaryConfig, DataConfig
from pipelines.campaign.enough_rows import Asked, fitting
from pipelines.campaign.paths import existing
from processing.datasets import SOURCES
from processing.datasets.common.base import Source, check_source
from processing.datasets.common.foreign.recognition import surveyed, with_source
from processing.datasets.common.survey import Survey

# Of the rows of the smallest class at most a fifth are for validation, and a twentieth for canaries.
_OF_VALIDATION, _OF_CANARIES = 5, 20


@dataclass(frozen=True)
class Look:
    """What a path holds.

    Attributes
    ----------
    data : DataConfig
        The section that reads it, as far as it is known: source and path.
    source : Source
    survey : Survey
    """

    data: DataConfig
    source: Source
    survey: Survey

    def entry(self) -> str:
        """Return what an entry says to use it, as TOML; validation and canaries are of rows that it has.

        Where a class has too few rows for any, a comment says so instead.
        """
        classes = len(self.survey.classes)
        rows = self.survey.counts["train"]
        asked = Asked.by(self.data, CanaryConfig(), classes)
        share = replace(
            asked,
            validation=min(asked.validation, max(1, min(rows) // _OF_VALIDATION)),
            canaries=min(asked.canaries, max(1, min(rows) // _OF_CANARIES)),
        )
        works = fitting(share, self.survey)
        lines = ["[data]", f"source = {json.dumps(self.data.source)}", f"path = {_text(self.data.path)}"]
        if works is None:
            return "\n".join([*lines, "# a class has too few rows for validation and canaries: see above"])
        said = works.settings(classes)
        lines.append(f"validation = {said['data.validation']}")
        lines += ["", "[canaries]", f"candidates_per_class = {works.canaries}"]
        return "\n".join(lines)

    def document(self) -> dict[str, Any]:
        """Return everything as plain JSON."""
        survey = self.survey
        return {
            "path": self.data.path,
            "source": self.data.source,
            "recognized": survey.words,
            "image": list(survey.image),
            "classes": list(survey.classes),
            "counts": {part: list(rows) for part, rows in survey.counts.items()},
            "notes": list(survey.notes),
            "refused": [dict(each) for each in survey.refused],
            "entry": self.entry(),
        }


def _text(text: str) -> str:
    """Return a text as TOML writes it: JSON's escapes, with those of TOML where JSON has none."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007F")


def look(path: str, source: str = "") -> Look:
    """Look at what lies at a path.

    Parameters
    ----------
    path : str
        Of this machine, or an `s3://` address.
    source : str
        The kind that reads it; without it, its content tells.

    Raises
    ------
    ConfigError
        If there is nothing at the path, or no such source.
    BadInput
        If nothing reads it, or it is damaged.
    """
    if source and source not in SOURCES:
        raise ConfigError(f"--source {source}", f"there is no source '{source}'", nearest(source, SOURCES))
    found = existing(path, Path.cwd(), "PATH")
    data = with_source(DataConfig(source=source or DataConfig().source, path=found))
    reader = check_source(data)
    survey = surveyed(reader, data)
    if survey is None:
        why = f"the source '{data.source}' reads no file"
        raise ConfigError(f"--source {data.source}", why, "leave it out: the content tells what reads it")
    return Look(data, reader, survey)


def spread(rows: tuple[int, ...]) -> Mapping[str, int | float]:
    """Return least, median and most of the rows of the classes."""
    return {"min": min(rows), "median": median(rows), "max": max(rows)}
