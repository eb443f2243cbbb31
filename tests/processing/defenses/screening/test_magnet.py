"""MagNet's pair: what both networks doubt."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.blobs import blob_suspect

from boomerang.scoring import auroc
from processing.defenses.common.autoencoders import cross_errors
from processing.defenses.screening.magnet import Magnet


def test_a_checkered_corner_is_doubted_by_both() -> None:
    data, poisoned = blob_suspect(patched=30)
    ours = Magnet(max_fpr=0.02)
    scored = ours.score(data)
    assert (auroc(scored.scores, poisoned) or 0) > 0.95
    finding = ours.decide(scored)
    assert finding.flagged[poisoned].mean() > 0.9 and finding.flagged[~poisoned].mean() < 0.06


@pytest.mark.parametrize("learn", ["trusted", "suspect"])
def test_a_row_scores_as_high_as_the_lower_of_its_two_errors(learn: str) -> None:
    data, _ = blob_suspect(patched=10, rows=60, trusted=40)
    ours = Magnet.model_validate({"steps": 3, "learn": learn})
    errors = [
        cross_errors(data, ours.learn, "flat", 3)[0].absolute,
        cross_errors(data, ours.learn, "pooled", 3)[0].squared,
    ]
    lower = np.min([each / np.sqrt((each**2).mean()) for each in errors], axis=0)
    np.testing.assert_allclose(ours.score(data).scores, lower, rtol=1e-6)


def test_of_a_clean_set_hardly_a_row_goes() -> None:
    data, _ = blob_suspect()
    assert Magnet(max_fpr=0.02).screen(data).flagged.mean() < 0.06
