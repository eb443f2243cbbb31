"""What trusted rows' scores flag among the suspect ones."""

from __future__ import annotations

import numpy as np

from processing.defenses.common.base import Scored
from processing.defenses.common.flagging import Beside, beyond, by_paper, by_quantile, by_trusted


def scored(trusted: int) -> Scored[Beside]:
    return Scored(np.arange(10.0), Beside(np.arange(float(trusted)), {"a": 1}, ("before",)))


def test_what_a_clean_row_is_above_with_a_small_probability_is_flagged() -> None:
    finding = by_trusted(scored(9), 0.1)
    assert finding.threshold == 8 and np.flatnonzero(finding.flagged).tolist() == [9]
    known = {"trusted_rows": 9, "rule": "trusted", "trusted_rows_needed": 9, "fpr_at_most": 0.2831}
    assert finding.notes == {"a": 1, **known}
    assert finding.warnings == ("before",)


def test_what_the_trusted_rows_say_of_the_rate_is_noted() -> None:
    trusted = np.random.default_rng(0).standard_normal(2000)
    notes = beyond(np.zeros(3), trusted, 0.02).notes
    assert 0.01 < notes["trusted_above"] < 0.03 and 0.02 < notes["fpr_at_most"] < 0.03


def test_too_few_trusted_rows_flag_nothing_and_say_so() -> None:
    finding = by_trusted(scored(8), 0.1)
    assert finding.threshold is None and not finding.flagged.any()
    assert finding.warnings[1] == "before" and "8 trusted rows cannot tell" in finding.warnings[0]
    none = by_quantile(scored(0), 0.25)
    assert none.threshold is None and not none.flagged.any() and "no trusted row" in none.warnings[0]


def test_a_published_rule_takes_a_quantile_or_a_number() -> None:
    assert by_quantile(scored(9), 0.25).threshold == 6
    finding = by_paper(scored(9), 7.5)
    assert finding.flagged.sum() == 2 and finding.warnings == ("before",)
