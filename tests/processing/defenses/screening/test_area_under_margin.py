"""Area under the margin: rows with wrong labels, in trainings that are real."""

from __future__ import annotations

from helpers.records import learned

from boomerang.scoring import auroc
from processing.defenses.screening.area_under_margin import AreaUnderMargin


def test_wrong_labels_are_found_in_what_a_training_saw() -> None:
    data, wrong = learned("flipped", 0.05)
    finding = AreaUnderMargin().screen(data)
    assert (auroc(finding.scores, wrong) or 0) > 0.9
    assert finding.threshold is not None
    assert finding.flagged[wrong].mean() > 0.5 and finding.flagged[~wrong].mean() < 0.02


def test_of_clean_labels_hardly_any_is_flagged() -> None:
    data, _ = learned("flipped", 0.0)
    assert AreaUnderMargin().screen(data).flagged.mean() < 0.02


def test_the_share_of_the_lowest_margins_goes_where_that_is_the_rule() -> None:
    data, wrong = learned("flipped", 0.05)
    finding = AreaUnderMargin(rule="share", share=0.05).screen(data)
    assert finding.flagged.sum() == 60 and finding.flagged[wrong].mean() > 0.6
