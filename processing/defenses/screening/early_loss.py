"""Early loss: a row whose label the victim knew before the others of its class is suspect."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from processing.defenses.common.base import Detector, Finding, Scored, Suspect
from processing.defenses.common.flagging import Beside
from processing.defenses.common.recorded import by_record, flag_share


class EarlyLoss(Detector):
    """How well the victim knew a row's label early on: a trigger may be easier to learn than a class.

    Li et al. train for a fifth of all epochs and isolate the share of rows that then have the lowest loss,
    1%. Here a row's early loss is -log p of its label as the victim answered for it in its batch, right
    before it learned from it, in the epoch at a fifth of all, but not in the first: in that one a loss says
    when the batch came. It is what they rank by, of the victim's own training instead of one for the purpose.
    Their local gradient ascent, which meanwhile keeps the loss of clean rows from falling, is left out: it
    would be another training. The score is minus the loss.

    The share is flagged of any set, of a clean one too, and a warning says so. No trusted row can set a
    threshold: none was learned, and so early the losses of rows that were learned once are lower than theirs.

    Without a record, as where the attacker runs the training or the network is solved at once, nothing is
    flagged, with a warning.

    Attributes
    ----------
    share : float
        The share of all rows that is flagged.
    """

    title: ClassVar[str] = "early loss"
    source: ClassVar[str] = (
        "Li et al. 2021, Anti-backdoor learning: training clean models on poisoned data, section 3.2"
    )
    assumes: ClassVar[str] = "the victim learns from scratch, and a trigger faster than the classes"
    costs: ClassVar[str] = (
        "nothing but the record that every honest training keeps, and its share of clean rows"
    )
    fails: ClassVar[str] = (
        "exploratory: it flags its share of a clean set too; wrong labels and few poisoned rows are learned "
        "last, and a victim that is fine-tuned knows the clean rows first"
    )

    kind: Literal["early_loss"] = "early_loss"
    share: float = Field(default=0.01, gt=0, lt=1)

    def score(self, suspect: Suspect) -> Scored[Beside]:
        """Take the losses from the record; raises BadInput if it is of other rows."""
        return by_record(suspect, lambda record: -record.early_loss)

    def decide(self, scored: Scored[Beside]) -> Finding:
        """Flag the rows that were learned first."""
        return flag_share(scored, self.share)
