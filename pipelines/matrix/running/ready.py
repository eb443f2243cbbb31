"""The cells of a campaign made ready to run: their definitions, and which steps they share.

What can be known of a cell before the first job is known here: one that its config refuses has no definition.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from boomerang.digest import digest_json
from boomerang.errors import BoomerangError
from pipelines.campaign.sections import Config
from pipelines.campaign.site import Site
from pipelines.definition.build import Built, build
from pipelines.language.graph import JOBS
from pipelines.matrix.cells import Cell

_STEPS = "Steps."


@dataclass(frozen=True)
class Ready:
    """A cell with its entry and its definition, which ends with Evaluate.

    Attributes
    ----------
    cell : Cell
    config : Config
    built : Built
    symbols : mapping of str to str
        Of each job step a name for what it does, see `symbols`.
    """

    cell: Cell
    config: Config
    built: Built
    symbols: Mapping[str, str]


@dataclass(frozen=True)
class Refused:
    """A cell that cannot be run, and why."""

    cell: Cell
    why: str


def make_ready(
    cells: Sequence[Cell], site: Site, cache: Path | None, *, keeps: bool = True
) -> Iterator[Ready | Refused]:
    """Give every cell that is not excluded: first those that their entries refuse, as to draw takes long.

    For the rest see `pipelines.definition.build.build`.
    """
    configs: list[tuple[Cell, Config]] = []
    for cell in cells:
        if not cell.excluded:
            try:
                configs.append((cell, cell.config()))
            except BoomerangError as error:
                yield Refused(cell, str(error))
    for cell, config in configs:
        try:
            built = build(config, site, cache=cache, keeps=keeps, gated=False)
        except BoomerangError as error:
            yield Refused(cell, str(error))
        else:
            yield Ready(cell, config, built, symbols(built.definition))


def symbols(definition: Mapping[str, Any]) -> dict[str, str]:
    """Return of each job step a digest of all that it is told, and of the steps that make what it reads.

    Two steps with the same one do the same, whatever cell they stand in. Unlike a key of the cache it is
    known before anything has run.
    """
    found: dict[str, str] = {}
    for step in definition["Steps"]:
        if step["Type"] in JOBS:
            found[step["Name"]] = digest_json([step["Name"], _named(step["Arguments"], found)])
    return found


def _named(value: Any, known: Mapping[str, str]) -> Any:
    """Return arguments in which what refers to an earlier step names what that does."""
    if isinstance(value, list):
        return [_named(each, known) for each in value]
    if not isinstance(value, dict):
        return value
    got = value.get("Get")
    if isinstance(got, str) and got.startswith(_STEPS):
        step, _, rest = got.removeprefix(_STEPS).partition(".")
        return {"Get": [known[step], rest]}
    return {key: _named(each, known) for key, each in value.items()}
