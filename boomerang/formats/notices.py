"""What a step left out, and what it warns of, beside what it made.

manifest.json   `refused`: foreign files that were not taken, each with the reason
notices.json    everything else that a person has to know; there only if there is something

Both are part of a committed folder, so they come from the cache with it. A folder without a notice has the
digest that it would have if there were no such thing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

from boomerang.config import Strict, validate
from boomerang.errors import BoomerangError, IntegrityError
from boomerang.manifest import DATASET, MANIFEST, Manifest, read_manifest
from boomerang.safeio import load_json, write_json_atomic

NOTICES = "notices.json"

NoticeKind = Literal["left out", "converted", "warning"]


class Notice(Strict):
    """What a step did not take, or changed, or what a person should know before trusting its numbers.

    Attributes
    ----------
    kind : {'left out', 'converted', 'warning'}
    what : str
        Of what; the same for all that is of one thing.
    why : str
    name : str
        Which one was left out, of several; empty in a warning.
    """

    kind: NoticeKind
    what: str
    why: str
    name: str = ""


class _File(Strict):
    """The whole of `notices.json`."""

    format: Literal[1] = 1
    notices: tuple[Notice, ...]


def write_notices(folder: Path, notices: Sequence[Notice]) -> None:
    """Write the notices of a step into a folder that is not committed yet; without any, write nothing."""
    if notices:
        write_json_atomic(folder / NOTICES, _File(notices=tuple(notices)).model_dump(mode="json"))


def notices_below(folder: Path) -> Iterator[Notice]:
    """Yield what is said in every committed folder at or below one, each once.

    Raises
    ------
    IntegrityError
        If a manifest or the notices of a folder are not as they were written.
    """
    said = dict.fromkeys(
        notice
        for manifest in sorted(folder.rglob(MANIFEST))
        for notice in _notices_of(manifest.parent, read_manifest(manifest.parent))
    )
    yield from said


def _notices_of(folder: Path, manifest: Manifest) -> Iterator[Notice]:
    # The same pictures for the eye, in a folder of another kind, repeat what the dataset says.
    if manifest.kind == DATASET:
        for entry in manifest.refused:
            why, name = entry.get("reason", ""), entry.get("name", "")
            yield Notice(kind="left out", what=manifest.name, why=why, name=name)
    if NOTICES in manifest.files:
        yield from _read(folder / NOTICES)


def _read(file: Path) -> tuple[Notice, ...]:
    try:
        return validate(_File, load_json(file), where=NOTICES).notices
    except BoomerangError as error:
        raise IntegrityError(
            f"{file} cannot be read", str(error), "run the step that makes it again"
        ) from error
