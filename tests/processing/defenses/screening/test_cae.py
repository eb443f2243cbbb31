"""CAE: wrong labels and strange images in one score."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.blobs import blob_suspect

from boomerang.scoring import auroc
from processing.defenses.common.autoencoders import cross_errors
from processing.defenses.screening.cae import Cae


@pytest.mark.parametrize("plus", [False, True])
def test_wrong_labels_and_strange_images_are_found_at_once(plus: bool) -> None:
    data, poisoned = blob_suspect(patched=20, flipped=20)
    ours = Cae(plus=plus, max_fpr=0.02)
    scored = ours.score(data)
    assert (auroc(scored.scores, poisoned) or 0) > 0.95
    finding = ours.decide(scored)
    assert finding.flagged[poisoned].mean() > 0.9 and finding.flagged[~poisoned].mean() < 0.06


def test_as_published_it_finds_wrong_labels_and_takes_clean_rows_with_them() -> None:
    """The long tail of the errors and the flips are one distribution to it."""
    data, poisoned = blob_suspect(flipped=40)
    finding = Cae(plus=True, rule="paper", learn="suspect").screen(data)
    assert (auroc(finding.scores, poisoned) or 0) > 0.9 and finding.threshold is None
    assert finding.flagged[poisoned].mean() > 0.9 and finding.flagged[~poisoned].mean() < 0.35
    lower, upper = finding.notes["mixture"]["means"]
    assert lower < upper and finding.scores[finding.flagged].min() > lower


def test_the_guard_keeps_a_clean_set_whole() -> None:
    data, _ = blob_suspect()
    scored = Cae(plus=True, learn="suspect").score(data)
    assert not Cae(rule="guarded").decide(scored).flagged.any()
    assert Cae(rule="paper").decide(scored).flagged.any(), "as published it cuts whatever there is"


def test_the_score_is_the_weighted_sum_of_both_errors_in_units_of_their_norms() -> None:
    data, _ = blob_suspect(rows=60, trusted=40)
    coded, _ = cross_errors(data, "trusted", "code", 5, classifier=True)
    plain, _ = cross_errors(data, "trusted", "code", 5)
    r, r_plain, c = (
        each / np.sqrt((each**2).mean()) for each in (coded.squared, plain.squared, coded.entropy)
    )
    np.testing.assert_allclose(Cae(steps=5).score(data).scores, 0.66 * r + 0.34 * c, rtol=1e-6)
    np.testing.assert_allclose(
        Cae(steps=5, plus=True).score(data).scores, 0.66 * r_plain + 0.34 * c, rtol=1e-6
    )
    np.testing.assert_allclose(Cae(steps=5, weight=0).score(data).scores, c, rtol=1e-6)
