"""docs/attacks.md: the table of all attacks, each with what it is and what it reached."""

from __future__ import annotations

from pipelines.catalogue.attacks import HEADINGS, table_row, tell_attack
from pipelines.catalogue.kinds_page import kinds_page
from processing.attacks import ATTACKS
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
    intro = _INTRO.format(versions=f"The ids are those of {versions}")
    return kinds_page(
        intro, HEADINGS, map(table_row, ATTACKS.values()), {kind: _part(kind) for kind in ATTACKS}
    )


def _part(kind: str) -> str:
    told = tell_attack(kind)
    said = "\n".join(f"- {sentence}" for sentence in told.measured)
    return told.explanation + (f"\n\nMeasured:\n\n{said}" if said else "")
