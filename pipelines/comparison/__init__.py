"""Two runs, or two campaigns, beside each other: what differs, on the terminal and as one page.

    sides          the two folders, told apart, read, and held against what was recorded
    key_by_key     what differs in settings: two tables of plain JSON, key by key
    traces         what differs in data and code: digests of what steps were given, made and ran
    pairs          which images two runs got right, where both answered the same ones
    gaps           a number of both with its difference, the interval of it, and how that is written
    two_runs       the differences of two runs
    two_campaigns  the differences of two campaigns, cell by cell
    render         those -> `comparison.html`, one file that needs nothing else
    printed        those -> tables on the terminal

Changes nothing that it looks at.
"""

from __future__ import annotations

from pathlib import Path

from pipelines.comparison.sides import are_runs, labels, open_campaign, open_run
from pipelines.comparison.two_campaigns import TwoCampaigns, compare_campaigns
from pipelines.comparison.two_runs import TwoRuns, compare_runs
from pipelines.runs.held import Digests


def compare(first: Path, second: Path) -> TwoRuns | TwoCampaigns:
    """Return what differs between two folders.

    Parameters
    ----------
    first, second : Path
        The folders of two runs, or of two campaigns.

    Raises
    ------
    UsageError
        If they are the same, or one is a run and the other a campaign.
    BadInput, ConfigError
        If one is neither, or a file of it is malformed.
    IntegrityError
        If what is compared of a run is not as it was recorded.
    """
    runs = are_runs(first, second)
    names = labels(first, second)
    if runs:
        digests = Digests()
        return compare_runs(names, open_run(first, digests), open_run(second, digests))
    return compare_campaigns(names, open_campaign(first), open_campaign(second))
