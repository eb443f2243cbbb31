"""Autoencoder: what clean rows do not look like, and clean sets that stay whole."""

from __future__ import annotations

import numpy as np
from helpers.blobs import blob_suspect

from boomerang.scoring import auroc
from processing.defenses.screening.autoencoder import Autoencoder


def test_rows_with_what_no_clean_row_shows_are_found_by_either_rule() -> None:
    data, poisoned = blob_suspect(patched=30)
    ours = Autoencoder(max_fpr=0.02)
    scored = ours.score(data)
    assert (auroc(scored.scores, poisoned) or 0) > 0.95
    for finding in (ours.decide(scored), Autoencoder(rule="guarded").decide(scored)):
        assert finding.flagged[poisoned].mean() > 0.9 and finding.flagged[~poisoned].mean() < 0.06


def test_networks_that_learn_from_the_poison_too_give_it_back_better() -> None:
    data, poisoned = blob_suspect(patched=90)
    finding = Autoencoder(learn="suspect").screen(data)
    assert (auroc(finding.scores, poisoned) or 0) < 0.9 and finding.notes["learn"] == "suspect"


def test_of_a_clean_set_hardly_a_row_goes() -> None:
    data, _ = blob_suspect()
    scored = Autoencoder().score(data)
    assert Autoencoder(max_fpr=0.02).decide(scored).flagged.mean() < 0.06
    assert not Autoencoder(rule="guarded").decide(scored).flagged.any()


def test_it_looks_at_no_label() -> None:
    data, poisoned = blob_suspect(flipped=60)
    assert 0.35 < (auroc(Autoencoder().score(data).scores, poisoned) or 0) < 0.65


def test_too_few_trusted_rows_and_none_flag_nothing_and_say_so() -> None:
    few, _ = blob_suspect(trusted=20)
    finding = Autoencoder(steps=5).screen(few)
    assert not finding.flagged.any() and "20 trusted rows cannot tell" in finding.warnings[0]
    none, _ = blob_suspect(trusted=0)
    finding = Autoencoder(steps=5).screen(none)
    assert not finding.flagged.any() and np.isfinite(finding.scores).all()
    assert "left, right: no trusted row of the class" in finding.warnings[1]
