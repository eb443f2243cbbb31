"""Why a job failed: its own words, or how it ended."""

from __future__ import annotations

import pytest
from helpers.toy_runs import Execute, statuses


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (
            "(ml / 'output').mkdir(); (ml / 'output/message').write_text('no such label'); sys.exit(2)",
            "no such label",
        ),
        ("raise ValueError('what now')", "ValueError: what now"),
        ("sys.exit(3)", "it ended with exit code 3 and said nothing"),
        ("os.kill(os.getpid(), 9)", "signal 9"),
        ("(ml / 'processing/output/train').rmdir()", "it removed its output folder 'train'"),
        ("(ml / 'processing/output/train/x').symlink_to('/etc/hostname')", "is a link"),
    ],
)
def test_a_failed_job_says_why_and_leaves_its_disk(run: Execute, body: str, why: str) -> None:
    execution = run(jobs={"make": body})

    assert (execution.status, execution.failed_step) == ("Failed", "Make")
    assert why in execution.failure
    assert (execution.run_dir / "jobs/Make/ml/processing/input/config/config.json").is_file()
    assert statuses(execution)["Train"] == "Skipped"


def test_a_training_job_says_why_in_its_own_file(ready: Execute) -> None:
    execution = ready(jobs={"train": "(ml / 'output/failure').write_text('it diverged'); sys.exit(1)"})

    assert execution.failed_step == "Train"
    assert execution.failure.startswith("it diverged")


def test_a_training_job_that_leaves_no_model_fails(ready: Execute) -> None:
    execution = ready(jobs={"train": "pass"})

    assert execution.failed_step == "Train"
    assert "it left nothing in /opt/ml/model" in execution.failure
