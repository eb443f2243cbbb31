"""PreprocessParts: one machine's share of the rows and pictures that Preprocess needs.

Reads what Preprocess reads; writes `parts`, see `processing.sharing.shares`.
"""

from __future__ import annotations

from boomerang.contract import Job, run_step
from processing.preprocess import STEP, tasks
from processing.sharing.shares import write_part


def run(job: Job) -> None:
    """Run the step: see the module."""
    write_part(job, STEP, tasks(job))


if __name__ == "__main__":
    run_step(run)
