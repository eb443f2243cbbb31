"""docs/attacks.md: the table of all attacks, each with what it is and what it reached."""

from __future__ import annotations

from pipelines.catalogue.expected import figures_of, say_reached
from pipelines.catalogue.told import HEADINGS, explanation, kind_of, table_row
from processing.attacks import ATTACKS
from processing.attacks.common.base import Attack
from processing.attacks.common.references import VERSIONS

_INTRO = """# Attacks

All that can stand under `[[attacks]]` of an entry. `python -m pipelines attacks` prints this table,
`python -m pipelines attacks KIND` explains one: its settings, an entry to copy, what to expect; with
`--picture FILE.png` it draws what the attack does to images of the bundled data. Every setting is in
[config.md](config.md). How to write a new one is said in `processing/attacks/common/base.py`.

An attack that is *targeted* wants some images called one class, a *backdoor* every image with its trigger,
and an *untargeted* one wants the model worse. *Kept* labels are right: who looks at a row sees nothing wrong.
What an attack needs is what the attacker must have beside the rows that it poisons.
{versions}.

Every attack can be undone: `python -m pipelines undo RUN OUT` gives the clean training set back, digest for
digest, from the poisoned one and what Poison kept secret. For that the secret holds each image that was
overwritten, as it was: 3 kB a row of 32 × 32 pixels in color, as much as the training set where all of it was
changed. How visible the poison is stands in the report: the largest change of any value, PSNR and SSIM
(Wang et al. 2004), medians over the images that were made from a row; the last two of 256 of them at most.

This page is made by `python docs/make_attacks.py` from the attacks themselves.
"""


def attack_page() -> str:
    """Return the whole page as Markdown."""
    versions = ", ".join(f"{name} {version}" for name, version in VERSIONS.items())
    rows = [HEADINGS, ("---",) * len(HEADINGS), *map(_row, ATTACKS.values())]
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    parts = [_INTRO.format(versions=f"The ids are those of {versions}"), table, *map(_part, ATTACKS.values())]
    return "\n".join(parts) + "\n"


def _row(attack: type[Attack]) -> tuple[str, ...]:
    kind, *rest = table_row(attack)
    return f"[`{kind}`](#{kind})", *rest


def _part(attack: type[Attack]) -> str:
    kind = kind_of(attack)
    said = "\n".join(f"- {say_reached(each)}" for each in figures_of(kind))
    return f"\n## {kind}\n\n{explanation(attack)}" + (f"\n\nMeasured:\n\n{said}" if said else "")
