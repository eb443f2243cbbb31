"""Area under the margin: a row whose label the victim resisted while it learned is suspect."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from processing.defenses.common.base import Detector, Finding, Scored, Suspect
from processing.defenses.common.flagging import Beside
from processing.defenses.common.recorded import by_record, flag_beyond_clean, flag_share


class AreaUnderMargin(Detector):
    """By how little the victim preferred a row's label, on the mean over its training.

    A row's margin is the logit of its label minus the largest other one, as the victim answered for it in
    its batch, right before it learned from it. Its mean over all epochs is the area under the margin (AUM).
    A row with a wrong label is pulled to the class that it looks like by all rows that look like it, and to
    its label by itself alone: in the end it may be learned by heart, but its AUM is low. The score is minus
    the AUM.

    The paper's threshold is the 99th percentile of the AUM of threshold samples, N / (K + 1) rows that are
    given to an extra class K + 1 for a training of its own. It is left out: those rows and that class would
    be in the victim, which is the model to be judged. Instead the record has the trusted rows too, which the
    victim was asked about after each epoch and never learned from. With `rule = "trusted"` (default) the
    threshold is the order statistic of their scores that a further clean row exceeds with probability
    `max_fpr`. It is no guarantee: the victim comes to know the rows that it learns from better than trusted
    ones, which makes the threshold careful; and it sees them augmented, with dropout, and on the mean half an
    epoch earlier, which makes it bold. Where the victim has learned rows of the past as well, these take
    their place, and a clean suspect row is measured exactly as they are.

    With `rule = "share"` the rows of the lowest AUM go, so many of any set, of a clean one too.

    Without a record, as where the attacker runs the training or the network is solved at once, nothing is
    flagged, with a warning.

    Attributes
    ----------
    rule : str
        `trusted` or `share`, see above.
    max_fpr : float
        For `trusted`: the share of clean rows that may be flagged. Fewer than 1 / max_fpr - 1 clean rows to
        compare with cannot tell, and nothing is flagged.
    share : float
        For `share`: the share of all rows that is flagged.
    """

    title: ClassVar[str] = "area under the margin (AUM)"
    source: ClassVar[str] = (
        "Pleiss et al. 2020, Identifying mislabeled data using the area under the margin ranking, section 3"
    )
    assumes: ClassVar[str] = "a row with a wrong label looks like a class that the victim learns"
    costs: ClassVar[str] = "nothing but the record that every honest training keeps; 1 / max_fpr trusted rows"
    fails: ClassVar[str] = (
        "a backdoor of many rows, which the victim soon agrees with; clean labels; wrong labels between "
        "classes that it confuses anyway"
    )

    kind: Literal["area_under_margin"] = "area_under_margin"
    rule: Literal["trusted", "share"] = "trusted"
    max_fpr: float = Field(default=0.005, gt=0, lt=1)
    share: float = Field(default=0.05, gt=0, lt=1)

    def score(self, suspect: Suspect) -> Scored[Beside]:
        """Take the margins from the record; raises BadInput if it is of other rows."""
        return by_record(suspect, lambda record: -record.margin)

    def decide(self, scored: Scored[Beside]) -> Finding:
        """Flag the rows whose labels the victim resisted more than those of clean rows."""
        if self.rule == "share":
            return flag_share(scored, self.share)
        return flag_beyond_clean(scored, self.max_fpr)
