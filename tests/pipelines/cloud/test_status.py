"""`status` and what it follows, in a cloud that one deploy was made into; moto's executions, given steps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from helpers.cloud import Cloud, step
from helpers.deploying import DEPLOY, TINY, draw_small, placed

from boomerang.errors import EXIT_PASSED, EXIT_REJECTED, AwsError, UsageError
from pipelines.cli.main import main
from pipelines.cloud import follow
from pipelines.cloud.advice import advice
from pipelines.cloud.follow import say_time


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        draw_small(monkeypatch)
        with placed(tmp_path_factory.mktemp("status"), monkeypatch) as made:
            assert main(DEPLOY) == EXIT_PASSED
            yield made


@pytest.fixture
def here(deployed: Cloud) -> Iterator[Cloud]:
    yield deployed
    deployed.steps = []
    deployed.interrupt = None


def started(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """Start an execution and return its ARN."""
    capsys.readouterr()
    assert main(["run", "--on", "aws", *TINY, *words]) == EXIT_PASSED
    return capsys.readouterr().out.strip()


def rejected(reasons: str) -> dict[str, Any]:
    return step("Fail", "Failed", kind="", Metadata={"Fail": {"ErrorMessage": reasons}})


def test_a_pipeline_that_never_ran_says_so(deployed: Cloud, capsys: pytest.CaptureFixture[str]) -> None:
    # The first of this file: afterwards there are executions.
    assert main(["status"]) == EXIT_PASSED
    shown = capsys.readouterr().out
    assert "has not run yet" in shown and "packages: none yet" in shown and "alarms: 8 OK" in shown


def test_an_execution_is_shown_with_its_cache_hits_and_what_waits(
    here: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    arn = started(capsys)
    here.end(arn, "Executing")
    hit = {"CacheHitResult": {"SourcePipelineExecutionArn": "arn:aws:x"}}
    here.steps = [step("Earlier", seconds=75, **hit)]
    assert main(["status", arn]) == EXIT_PASSED
    shown = capsys.readouterr().out
    rows = [line.split("│")[1:5] for line in shown.splitlines() if line.startswith("│")]
    assert [[cell.strip() for cell in row] for row in rows] == [
        ["Preprocess", "Waiting", "", ""],  # the definition has it, and it has not begun
        ["Earlier", "Succeeded", "1:15", "from the cache"],
    ]


def test_the_newest_or_the_named_execution_is_shown(here: Cloud, capsys: pytest.CaptureFixture[str]) -> None:
    first = started(capsys, "--id", "the-first")
    started(capsys, "--id", "the-second")
    assert main(["status"]) == EXIT_PASSED
    assert "the-second: Succeeded" in capsys.readouterr().out
    for word in (first, first.rpartition("/")[2], "the-first"):
        assert main(["status", word]) == EXIT_PASSED
        assert "the-first: Succeeded" in capsys.readouterr().out
    assert main(["status", "the-third"]) == UsageError.exit_code


@pytest.mark.parametrize(
    ("status", "steps", "code", "said"),
    [
        ("Succeeded", [step("Preprocess")], EXIT_PASSED, ["Succeeded"]),
        (
            "Failed",
            [step("Preprocess"), rejected("The gate rejected the candidate: asr_upper: 0.4 > 0.1")],
            EXIT_REJECTED,
            ["\nThe gate rejected the candidate: asr_upper: 0.4 > 0.1\n", "metrics.json"],
        ),
        (
            "Failed",
            [
                step(
                    "TrainVictim",
                    "Failed",
                    kind="TrainingJob",
                    FailureReason="CapacityError: Unable to provision requested ML compute capacity",
                )
            ],
            AwsError.exit_code,
            [
                "step TrainVictim failed: CapacityError",
                "AWS has no such machine free now",
                "aws logs tail /aws/sagemaker/TrainingJobs --log-stream-name-prefix "
                "pipelines-abc-TrainVictim-x/ --since 7d --region eu-west-1",
            ],
        ),
        (
            "Failed",
            [step("Poison", "Failed"), rejected("x")],
            AwsError.exit_code,
            ["step Poison failed: SageMaker gives no reason", "/aws/sagemaker/ProcessingJobs"],
        ),
        ("Stopped", [step("Preprocess", "Stopped")], AwsError.exit_code, ["Stopped"]),
        ("Failed", [], AwsError.exit_code, ["the execution failed"]),
    ],
)
def test_the_exit_code_is_the_verdict(
    here: Cloud,
    capsys: pytest.CaptureFixture[str],
    status: str,
    steps: list[dict[str, Any]],
    code: int,
    said: list[str],
) -> None:
    here.end(started(capsys), status)
    here.steps = steps
    assert main(["status"]) == code
    shown = capsys.readouterr().out
    for words in said:
        assert words in shown


def test_watching_says_each_change_once_until_it_ends(
    here: Cloud, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    arn = started(capsys)
    here.end(arn, "Executing")
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        states = {1: [step("Preprocess", "Executing")], 4: [step("Preprocess", seconds=90)]}
        here.steps = states.get(len(pauses), here.steps)
        if len(pauses) == 6:
            here.end(arn, "Succeeded")

    monkeypatch.setattr(follow, "SOONEST_S", 5.0)
    monkeypatch.setattr("pipelines.cloud.follow.time.sleep", pause)
    assert main(["status", "--watch"]) == EXIT_PASSED
    told = capsys.readouterr()
    assert told.err.splitlines() == ["Preprocess Executing", "Preprocess Succeeded in 1:30"]
    assert "Succeeded" in told.out
    # Slower while nothing changes, and soon again when something has.
    assert pauses == [5.0, 5.0, 7.5, 11.25, 5.0, 7.5]


def test_an_interrupt_leaves_the_execution_and_says_how_to_follow_it(
    here: Cloud, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("pipelines.cloud.follow.time.sleep", interrupt)
    arn = started(capsys)
    here.end(arn, "Executing")
    assert main(["status", arn, "--watch"]) == 130
    said = capsys.readouterr().err
    assert f"the execution goes on; follow it: python -m pipelines status {arn} --watch" in said


def test_packages_and_raised_alarms_are_a_line_each(here: Cloud, capsys: pytest.CaptureFixture[str]) -> None:
    started(capsys)
    for status in ("Approved", "PendingManualApproval"):
        here.client("sagemaker").create_model_package(
            ModelPackageGroupName="boomerang", ModelApprovalStatus=status
        )
    for name, state in [("boomerang-attack", "ALARM"), ("boomerang-canary-missing", "INSUFFICIENT_DATA")]:
        here.client("cloudwatch").set_alarm_state(AlarmName=name, StateValue=state, StateReason="a test")
    assert main(["status"]) == EXIT_PASSED
    shown = capsys.readouterr().out
    assert "packages: version 2 PendingManualApproval, version 1 Approved" in shown
    assert "alarms: in ALARM: boomerang-attack; 1 without data; 6 OK" in shown


def test_a_range_that_is_not_there_says_how_to_deploy_it(
    here: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["status", "--project", "other"]) == AwsError.exit_code
    assert "python -m pipelines deploy --project other" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("reason", "do"),
    [
        ("ResourceLimitExceeded: The account-level service limit 'ml.g5.xlarge' is 0", "Service Quotas"),
        ("CapacityError: Unable to provision requested ML compute capacity", "no such machine free"),
        ("InternalServerError: We encountered an internal error", "AWS's own"),
        ("ClientError: Failed to pull image: image not found", "endpoints ecr.api"),
        ("AccessDeniedException: User is not authorized to perform s3:GetObject", "a role may not do this"),
        ("AlgorithmError: ExecuteUserScriptError: ExitCode 2", "more is in its log"),
        ("MaxRuntimeExceeded", "jobs.timeout_s"),
        ("MaxWaitTimeExceeded", "jobs.spot_wait_s"),
        ("ClientError: No S3 objects found under S3 URL", "uploads what is missing"),
        ("Something that nobody has seen", ""),
    ],
)
def test_a_known_failure_has_its_advice(reason: str, do: str) -> None:
    found = advice(reason)
    assert do in found and bool(do) == bool(found)


@pytest.mark.parametrize(("seconds", "said"), [(0, "0:00"), (59.9, "0:59"), (3600, "1:00:00"), (-1, "0:00")])
def test_a_time_is_said_in_hours_and_minutes(seconds: float, said: str) -> None:
    assert say_time(seconds) == said
