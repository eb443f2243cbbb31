"""Early loss: rows that a victim knows before the others of their class, in a training that is real."""

from __future__ import annotations

from helpers.records import learned

from boomerang.scoring import auroc
from processing.defenses.screening.early_loss import EarlyLoss


def test_rows_with_a_patch_are_among_those_that_are_learned_first() -> None:
    data, poisoned = learned("patched", 0.1)
    finding = EarlyLoss().screen(data)
    assert (auroc(finding.scores, poisoned) or 0) > 0.8
    assert finding.flagged.sum() == 12 and finding.flagged[poisoned].sum() >= 10
    assert finding.warnings == ("it flags its share of any set, of a clean one too",)
