"""docs/defenses.md: the table of all defenses, each with what it is and who published it."""

from __future__ import annotations

from pipelines.catalogue.defenses import HEADINGS, defenses, places, table_row, tell_defense
from pipelines.catalogue.kinds_page import kinds_page

_INTRO = """# Defenses

All that can stand under `[[screen.detectors]]`, `[[harden]]` and `[[inference]]` of an entry. A detector
(*screen*) looks for poisoned rows, a repair (*harden*) makes a better model of the victim, a defense at
*inference* wraps that model and is a part of it from then on. A list in an entry stands in the place of the
default one. `python -m pipelines defenses` prints this table, `python -m pipelines defenses KIND` explains
one: its settings, an entry to copy. Every setting is in [config.md](config.md). How to write a new one is
said in `processing/defenses/common/base.py`, `training/repair/common/base.py` and
`training/inference/common/base.py`.

What a defense assumes must be true of the data and the poison, or it finds nothing. What it costs is time
and clean rows, and what is lost of the model. The trusted rows are those of `data.validation`: clean, and
never within the attacker's reach.

This page is made by `python docs/make_defenses.py` from the defenses themselves.
"""


def defense_page() -> str:
    """Return the whole page as Markdown."""
    parts = {kind: _part(kind) for kind in places()}
    return kinds_page(_INTRO, HEADINGS, map(table_row, defenses()), parts)


def _part(kind: str) -> str:
    told = tell_defense(kind)
    return f"{told.explanation}\n\nSource: {dict(told.facts)['source']}."
