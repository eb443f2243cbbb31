"""EvaluateParts: one machine's share of the predictions that Evaluate needs.

Reads what Evaluate reads; writes `parts`, see `processing.sharing.shares`. The gate's limits, which the job
may be given as Evaluate is, judge predictions and change none.
"""

from __future__ import annotations

from boomerang.contract import Job, run_step
from boomerang.gate import GateConfig
from processing.evaluation.case import open_case
from processing.evaluation.predictions import STEP, questions
from processing.evaluation.trials import trials
from processing.sharing.shares import write_part


def run(job: Job) -> None:
    """Run the step: see the module."""
    case = open_case(job, GateConfig())
    tests = trials(case.triggers, case.test, case.photos)
    write_part(job, STEP, (task for _, _, task in questions(case, tests)))


if __name__ == "__main__":
    run_step(run)
