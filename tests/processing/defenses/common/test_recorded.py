"""What a record says: beside which clean rows, and of which rows it is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from helpers.records import drawn_record
from helpers.suspects import NO_VICTIM, make_suspect

from boomerang.errors import BadInput
from boomerang.formats.model import Record
from processing.defenses.common.base import Suspect
from processing.defenses.common.recorded import (
    BY_SHARE,
    NO_RECORD,
    by_record,
    flag_beyond_clean,
    flag_share,
)


def with_record(record: Record | None) -> Suspect:
    """Return a suspect set whose victim may be asked for its record alone."""
    return replace(make_suspect()[0], victim=replace(NO_VICTIM, record=record))


def resisted(record: Record) -> Any:
    return -record.margin


DATA = make_suspect()[0]
PAST_Y = np.arange(3000) % 4


def test_the_scores_are_those_of_the_column_beside_those_of_the_trusted_rows() -> None:
    record = drawn_record(DATA.y, DATA.trusted_y)
    scored = by_record(with_record(record), resisted)
    assert scored.scores.dtype == np.float64 and np.array_equal(scored.scores, -record.margin[:1600])
    assert np.array_equal(scored.state.trusted, -record.margin[1600:])
    assert scored.state.notes == {"compared_with": "trusted rows"}


def test_rows_of_the_past_that_the_victim_learned_first_take_the_place_of_the_trusted_ones() -> None:
    record = drawn_record(DATA.y, DATA.trusted_y, past_y=PAST_Y)
    scored = by_record(with_record(record), resisted)
    assert len(scored.state.trusted) == 3000 and scored.state.notes == {"compared_with": "rows of the past"}
    assert np.array_equal(scored.scores, -record.margin[3000:4600])
    finding = flag_beyond_clean(scored, 0.01)
    assert 0 < finding.flagged.mean() < 0.02 and not finding.warnings


def test_a_clean_row_is_flagged_as_seldom_as_was_said() -> None:
    """Over many draws of 400 trusted rows the share that is flagged of clean rows is at most max_fpr."""
    shares = []
    for seed in range(40):
        scored = by_record(with_record(drawn_record(DATA.y, DATA.trusted_y, seed=seed)), resisted)
        shares.append(flag_beyond_clean(scored, 0.01).flagged.mean())
    assert 0.003 < np.mean(shares) < 0.015


def test_the_share_of_the_highest_scores_goes_of_any_set_and_a_warning_says_so() -> None:
    scored = by_record(with_record(drawn_record(DATA.y, DATA.trusted_y)), resisted)
    finding = flag_share(scored, 0.05)
    assert finding.flagged.sum() == 80 and finding.threshold is None
    assert scored.scores[finding.flagged].min() >= scored.scores[~finding.flagged].max()
    assert finding.warnings == (BY_SHARE,)


def test_without_a_record_nothing_is_flagged_and_a_warning_says_why() -> None:
    for flag in (flag_beyond_clean, flag_share):
        finding = flag(by_record(with_record(None), resisted), 0.05)
        assert not finding.flagged.any() and finding.warnings == (NO_RECORD,)


def test_without_a_clean_row_no_threshold_is_set_and_a_warning_says_so() -> None:
    bare = replace(with_record(drawn_record(DATA.y, [])), trusted_x=DATA.trusted_x[:0], trusted_y=DATA.y[:0])
    finding = flag_beyond_clean(by_record(bare, resisted), 0.01)
    assert not finding.flagged.any() and "99 are needed" in finding.warnings[0]


@pytest.mark.parametrize("y", [DATA.y[:-1], np.roll(DATA.y, 1)], ids=["fewer", "others"])
def test_the_record_of_other_rows_is_refused(y: Any) -> None:
    with pytest.raises(BadInput, match="it is of other rows than the suspect ones"):
        by_record(with_record(drawn_record(y, DATA.trusted_y)), resisted)
