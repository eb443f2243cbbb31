"""What a check finds, and how it names the place: shared by the checks of the definition and of the stack."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One mistake.

    Attributes
    ----------
    where : str
        The step of a definition, or the resource of a template, by its name.
    field : str
        Where in it: `HyperParameters.seed`, `ProcessingInputs['train'].S3Input.S3Uri`, `Properties.Period`.
        Job arguments are named without `Arguments` before them, as in the service's own messages.
    what : str
    blocking : bool
        The other checks cannot read what is checked before this is right.
    """

    where: str
    field: str
    what: str
    blocking: bool = False

    def __str__(self) -> str:
        return ": ".join(part for part in (self.where, self.field, self.what) if part)


@dataclass(frozen=True)
class Outcome:
    """What one check looked at, in words, and what it found."""

    said: str
    problems: tuple[Problem, ...] = ()
