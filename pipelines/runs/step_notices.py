"""What the steps of a run left out and warned of, gathered from what they made: for people to read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from boomerang.errors import BoomerangError
from boomerang.formats.notices import Notice, notices_below
from pipelines.runs.records import Execution, StepRecord

_NAMED = 5


@dataclass(frozen=True)
class Said:
    """A notice of a step, with the same of other files put into one.

    Attributes
    ----------
    step : str
    kind : {'left out', 'converted', 'warning'}
    what : str
        Of what.
    names : tuple of str
        What was left out of it; none of another kind.
    why : str
    """

    step: str
    kind: str
    what: str
    why: str
    names: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The notice in a line, without its step and kind."""
        if not self.names:
            return f"{self.what}: {self.why}"
        more = f" and {len(self.names) - _NAMED} more" if len(self.names) > _NAMED else ""
        return f"{self.what}: {', '.join(self.names[:_NAMED])}{more}: {self.why}"


def notices_of(execution: Execution) -> list[Said]:
    """Return what the steps of a run have said, in the order of the steps."""
    return [said for step in execution.steps for said in _of_step(execution, step)]


def _of_step(execution: Execution, step: StepRecord) -> list[Said]:
    found: dict[tuple[str, str, str], list[str]] = {}
    for notice in dict.fromkeys(_read(execution, step)):
        names = found.setdefault((notice.kind, notice.what, notice.why), [])
        names += [notice.name] if notice.name else []
    return [Said(step.name, *key, names=tuple(names)) for key, names in found.items()]


def _read(execution: Execution, step: StepRecord) -> Iterator[Notice]:
    """Yield the notices in the folders that a step has made; one that cannot be read is one, too."""
    for name in step.outputs:
        folder = execution.path(step.name, name)
        if not folder.is_dir():
            continue
        try:
            yield from notices_below(folder)
        except (BoomerangError, OSError) as error:
            why = f"what it left out and warned of cannot be read: {' '.join(str(error).split())}"
            yield Notice(kind="warning", what=name, why=why)
