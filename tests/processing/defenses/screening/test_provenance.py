"""Provenance: rows of nobody, of sources that are not known, unsigned and altered ones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from helpers.suspects import CLASSES, NO_VICTIM, noise_images

from boomerang.blocks import row_digests
from processing.defenses.common.base import Suspect
from processing.defenses.screening.provenance import Provenance

NAMES = ("here", "there", "elsewhere")


def delivered() -> Suspect:
    """Sixty rows of three sources, as these say that they are."""
    x, y = noise_images(np.random.default_rng(0), 60), np.arange(60) % 4
    sources = np.arange(60) % 3
    given = {"sources": sources, "source_names": NAMES, "vouched": row_digests(x, y)}
    return Suspect(x, y, x[:0], y[:0], CLASSES, NO_VICTIM, 0, **given)  # type: ignore[arg-type]  # all sorts of fields


def test_rows_as_their_sources_delivered_them_stay() -> None:
    finding = Provenance().screen(delivered())
    assert not finding.flagged.any() and not finding.scores.any() and not finding.warnings
    assert finding.notes["rows_by_source"] == dict.fromkeys(NAMES, 20)


def test_each_reason_is_found_and_counted() -> None:
    """GIVEN one row of nobody, one relabeled, one with another pixel, one that nobody vouches for."""
    data = delivered()
    x, y = data.x.copy(), data.y.copy()
    assert data.sources is not None and data.vouched is not None
    sources, vouched = data.sources.copy(), data.vouched.copy()
    sources[3], y[10], vouched[30] = -1, (y[10] + 1) % 4, 0
    x[20, 0, 0, 0] ^= 1
    finding = Provenance().screen(replace(data, x=x, y=y, sources=sources, vouched=vouched))
    assert np.flatnonzero(finding.flagged).tolist() == [3, 10, 20, 30]
    counted = {reason: finding.notes[reason] for reason in ("of nobody", "not known", "unsigned", "altered")}
    assert counted == {"of nobody": 1, "not known": 0, "unsigned": 1, "altered": 2}


def test_rows_of_a_source_that_is_not_on_the_list_go() -> None:
    data = delivered()
    finding = Provenance(known=("here", "elsewhere")).screen(data)
    assert data.sources is not None and np.array_equal(finding.flagged, data.sources == 1)
    assert finding.notes["not known"] == 20


def test_a_known_source_of_which_there_is_no_row_is_said() -> None:
    (said,) = Provenance(known=("here", "ther")).screen(delivered()).warnings
    assert said.startswith("ther: known, and no row is from there")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"sources": None}, "not known who delivered"),
        ({"vouched": None}, "a row that was altered cannot be told"),
    ],
)
def test_what_it_could_not_look_at_is_said(change: dict[str, None], said: str) -> None:
    finding = Provenance().screen(replace(delivered(), **change))
    assert not finding.flagged.any() and said in finding.warnings[0]


def test_its_findings_are_facts_about_a_row() -> None:
    assert Provenance.sets_aside
