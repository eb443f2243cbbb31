"""Provenance: a row that nobody vouches for is no row to learn from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from boomerang.blocks import row_digests
from boomerang.manifest import Bools
from processing.defenses.common.base import Detector, Finding, Scored, Suspect

_NO_SOURCE = "it is not known who delivered the rows, so it looks at none of them"
_NOT_VOUCHED = "no source has said what its rows are, so a row that was altered cannot be told"


@dataclass(frozen=True)
class Against:
    """What there is against each row.

    Attributes
    ----------
    reasons : mapping of str to bool[N]
        By reason, the rows that it is true of.
    facts : mapping
        Who delivered how many, as plain JSON.
    warnings : tuple of str
        What could not be looked for.
    """

    reasons: dict[str, Bools]
    facts: dict[str, Any]
    warnings: tuple[str, ...]


class Provenance(Detector):
    """Rows of nobody, of sources that are not known, and rows that are not what their source delivered.

    It goes by who is said to have delivered a row (`[data] suppliers`, or what the data's own files say). A
    row of nobody beside rows that have a source was put there by somebody without a name. Where sources have
    said what each of their rows is, by a SHA-256 of its label and pixels, a row is compared with that:
    without one it is unsigned, with another one it was altered on its way. In the range the suppliers of
    `[data] suppliers` say it of all rows that they deliver, and an attacker who is none of them cannot.

    A row's score is the number of reasons against it. Where no row has a source, nothing is flagged, and a
    warning says so.

    Attributes
    ----------
    known : tuple of str
        The sources that rows may be from; none named is every source that has a name.
    """

    title: ClassVar[str] = "provenance"
    source: ClassVar[str] = (
        "Baracaldo, Chen, Ludwig and Safavi 2017, Mitigating poisoning attacks on machine learning models: a "
        "data provenance based approach (that rows have a source that is known for certain); rules our own"
    )
    assumes: ClassVar[str] = "who delivered a row, and what was delivered, cannot be forged"
    costs: ClassVar[str] = "a digest a row: no model, no trusted row"
    fails: ClassVar[str] = "whatever a known source has delivered itself"

    sets_aside: ClassVar[bool] = True

    kind: Literal["provenance"] = "provenance"
    known: tuple[str, ...] = ()

    def score(self, suspect: Suspect) -> Scored[Against]:
        """Hold every row against who delivered it, and what they say that it is."""
        sources, names = suspect.sources, suspect.source_names
        if sources is None:
            return Scored(np.zeros(len(suspect.y)), Against({}, {}, (_NO_SOURCE,)))
        strange = np.array([bool(self.known) and name not in self.known for name in names])
        named = sources >= 0
        reasons = {"of nobody": ~named, "not known": named & strange[sources]}
        if suspect.vouched is not None:
            signed = suspect.vouched.any(1)
            as_said = (row_digests(suspect.x, suspect.y) == suspect.vouched).all(1)
            reasons |= {"unsigned": named & ~signed, "altered": signed & ~as_said}
        counts = np.bincount(sources[named], minlength=len(names)).tolist()
        facts = {"rows_by_source": dict(zip(names, counts, strict=True))}
        scores = np.sum(list(reasons.values()), axis=0).astype(np.float64)
        return Scored(scores, Against(reasons, facts, self._blind(suspect)))

    def decide(self, scored: Scored[Against]) -> Finding:
        """Flag every row that there is a reason against."""
        found = scored.state
        notes = {reason: int(rows.sum()) for reason, rows in found.reasons.items()} | found.facts
        return Finding(scored.scores, scored.scores > 0, notes=notes, warnings=found.warnings)

    def _blind(self, suspect: Suspect) -> tuple[str, ...]:
        """Return what it did not look for."""
        absent = [name for name in self.known if name not in suspect.source_names]
        said = (f"{', '.join(absent)}: known, and no row is from there",) if absent else ()
        return said if suspect.vouched is not None else (*said, _NOT_VOUCHED)
