"""The runner on real subprocesses: every step kind, failures, resuming."""

from __future__ import annotations

import signal
import tarfile
import time
from pathlib import Path
from typing import Any

import pytest
from helpers import toy_pipeline as toy
from helpers.toy_runs import Execute, gone, start_runner, statuses, wait_for

from boomerang.digest import digest_tree
from boomerang.errors import ConfigError, UsageError
from pipelines.runners.verify import verify
from pipelines.runs.records import Event, Execution, load_execution


def test_a_whole_pipeline_passes_its_gate_and_registers(finished: Execution, events: list[Event]) -> None:
    execution = finished
    assert (execution.status, execution.failed_step, execution.failure) == ("Succeeded", None, "")
    assert statuses(execution) == {
        **dict.fromkeys(("Make", "Train", "Measure", "Gate", "Register"), "Succeeded"),
        **dict.fromkeys(("RegisterRejected", "Fail"), "Skipped"),
    }
    assert execution.path("Make", "train").joinpath("x.txt").read_text() == "hello --word one"
    with tarfile.open(execution.path("Train", "model")) as archive:
        weights = archive.extractfile("weights.txt")
        assert weights is not None
        assert weights.read() == b"HELLO --WORD ONE"
    assert [(e.step, e.kind) for e in events[:2]] == [("Make", "started"), ("Make", "succeeded")]
    assert load_execution(execution.run_dir) == execution
    assert list((execution.run_dir / "jobs").iterdir()) == []


def test_outputs_are_recorded_with_the_digest_of_their_tree(finished: Execution) -> None:
    execution = finished
    for record in execution.steps:
        for name, output in record.outputs.items():
            assert output.digest == digest_tree(execution.path(record.name, name))
    assert execution.step("Train").inputs["train"]["digest"] == execution.step("Make").outputs["train"].digest


def test_a_rejected_model_is_registered_as_such_and_the_run_fails_with_the_reasons(ready: Execute) -> None:
    execution = ready(parameters={"MaxDrop": "0.001"})

    assert (execution.status, execution.failed_step) == ("Failed", "Fail")
    assert execution.failure == "rejected: it got worse"
    assert statuses(execution)["Register"] == "Skipped"
    assert execution.step("RegisterRejected").detail == "toys/1, Rejected"
    assert execution.step("Gate").detail == "gate.drop is 0.01, not ≤ 0.001"


@pytest.mark.parametrize(
    ("metrics", "why"),
    [
        ('{"gate": {}, "reasons": ""}', "nothing at 'drop'"),
        ('{"gate": {"drop": "0.0"}, "reasons": ""}', "'0.0' is no finite number"),
        ('{"gate": {"drop": NaN}, "reasons": ""}', "not finite"),
        ('{"gate": {"drop": null}, "reasons": ""}', "no single value"),
        ("not json", "not JSON"),
    ],
)
def test_a_gate_without_a_number_to_judge_never_passes(ready: Execute, metrics: str, why: str) -> None:
    body = f"(ml / 'processing/output/evaluation/metrics.json').write_text({metrics!r})"
    execution = ready(jobs={"measure": body})

    assert (execution.status, execution.failed_step) == ("Failed", "Gate"), execution.failure
    assert why in execution.failure
    assert not execution.run_dir.parent.joinpath("registry", "toys").exists()


def test_a_killed_run_goes_on_at_the_first_unfinished_step(run: Execute, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    half_done = f"""
(ml / "model/weights.txt").write_text("half")
Path({str(marker)!r}).write_text(str(os.getpid()))
time.sleep(60)
"""
    process = start_runner(tmp_path, jobs={"train": half_done})
    wait_for(marker)
    process.send_signal(signal.SIGKILL)
    process.wait()

    assert gone(int(marker.read_text())), "the job outlived the runner"
    left = load_execution(tmp_path / "runs/run")
    assert (left.status, statuses(left)) == ("Running", {"Make": "Succeeded"})

    execution = run()
    assert execution.status == "Succeeded"
    assert [r.name for r in execution.steps if r.cached] == ["Make"]
    assert execution.step("Make").cached_from == "run"
    assert verify(tmp_path / "runs") == []


def test_interrupting_a_run_ends_its_job(run: Execute, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    body = f"Path({str(marker)!r}).write_text(str(os.getpid())); time.sleep(60)"
    process = start_runner(tmp_path, jobs={"make": body})
    wait_for(marker)
    process.send_signal(signal.SIGINT)

    assert process.wait(timeout=20) != 0
    assert gone(int(marker.read_text()))
    assert load_execution(tmp_path / "runs/run").failure == "it was interrupted"


def test_an_interrupt_between_two_steps_is_written_down(run: Execute, tmp_path: Path) -> None:
    def stop(event: Event) -> None:
        if event.kind == "succeeded":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(on_event=stop)
    left = load_execution(tmp_path / "runs/run")
    assert (left.status, left.failed_step, left.failure) == ("Failed", "Train", "it was interrupted")
    assert statuses(left) == {"Make": "Succeeded", "Train": "Failed"}


def test_two_processes_cannot_work_on_one_run(run: Execute, tmp_path: Path) -> None:
    def again(event: Event) -> None:
        with pytest.raises(UsageError, match="another process is working on it"):
            run()

    assert run(on_event=again).status == "Succeeded"


def test_running_a_finished_run_again_registers_nothing_twice(ready: Execute) -> None:
    assert ready().step("Register").detail == "toys/1, PendingManualApproval"
    again = ready()

    assert all(record.cached for record in again.steps if record.type in ("Processing", "Training"))
    assert again.step("Register").detail == "toys/1, PendingManualApproval"
    assert ready(run_id="other").step("Register").detail == "toys/2, PendingManualApproval"


@pytest.mark.parametrize(
    ("step", "why"),
    [
        ({"Name": "Tune", "Type": "Tuning", "Arguments": {}}, "does not run steps of type Tuning"),
        ({**toy.make(), "DependsOn": ["Mak"]}, "did you mean 'Make'"),
        (toy.make(arguments=[toy.get("Parameters.Wrd")]), "did you mean 'Word'"),
        (toy.make(arguments=[toy.metric("gate.drop")]), "'Measure'"),
        ({**toy.make(), "DependsOn": ["Make"]}, "wait for each other"),
    ],
)
def test_a_definition_that_cannot_be_run_is_refused_before_its_first_step(
    run: Execute, step: dict[str, Any], why: str
) -> None:
    events: list[Event] = []
    with pytest.raises(ConfigError, match=why):
        run(toy.definition(step), on_event=events.append)
    assert events == []


def test_steps_run_in_the_order_of_their_references(run: Execute) -> None:
    execution = run(
        toy.definition(toy.train(), {**toy.make(), "Name": "Other", "DependsOn": ["Train"]}, toy.make())
    )

    assert [record.name for record in execution.steps] == ["Make", "Train", "Other"]


def test_an_input_that_nothing_wrote_is_named(run: Execute) -> None:
    step = toy.processing("Make", "processing.make", {"config": "s3://bucket/elsewhere"}, ["train"])
    execution = run(toy.definition(step))

    assert "nothing is at s3://bucket/elsewhere" in execution.failure


def test_two_steps_cannot_write_to_one_address(run: Execute) -> None:
    same = toy.make() | {"Name": "Same"}
    execution = run(toy.definition(toy.make(), same))

    assert execution.failed_step == "Same"
    assert "another step has written there" in execution.failure


def test_an_argument_that_the_service_would_refuse_is_refused_here(run: Execute) -> None:
    execution = run(toy.definition(toy.make(arguments=[toy.get("Parameters.MaxDrop")])))

    assert execution.failed_step == "Make"
    assert "0.02 is no text" in execution.failure


RESUMED = """
(ml / "checkpoints").mkdir(exist_ok=True)
done = ml / "checkpoints/done"
steps = int(done.read_text()) if done.exists() else 0
print("from", steps, flush=True)
if steps == 0:
    done.write_text("7")
    {stop}
(ml / "model/weights.txt").write_text(str(steps))
"""


def test_a_training_that_failed_goes_on_from_its_checkpoint(run: Execute) -> None:
    body = RESUMED.format(stop="sys.exit(1)")
    assert run(toy.definition(toy.make(), toy.train()), jobs={"train": body}).failed_step == "Train"
    execution = run(toy.definition(toy.make(), toy.train()), run_id="other-run", jobs={"train": body})
    assert execution.failure == ""
    assert "from 7" in (execution.run_dir / "logs/Train.log").read_text()
    kept = execution.run_dir.parent / "cache/checkpoints"
    assert [path.suffix for path in kept.iterdir()] == [".lock"], "a finished training needs no checkpoint"


def test_a_training_with_other_settings_starts_from_nothing(run: Execute) -> None:
    body = RESUMED.format(stop="sys.exit(1)")
    assert run(toy.definition(toy.make(), toy.train()), jobs={"train": body}).failed_step == "Train"
    changed = run(
        toy.definition(toy.make(), toy.train()), run_id="other", jobs={"train": body + "\n# changed"}
    )
    assert "from 0" in (changed.run_dir / "logs/Train.log").read_text()


def test_a_run_that_is_stopped_lets_its_training_write_a_checkpoint(tmp_path: Path) -> None:
    body = """
import signal
def stop(*_):
    (ml / "checkpoints/stopped").write_text("in time")
    sys.exit(143)
signal.signal(signal.SIGTERM, stop)
print("ready", flush=True)
time.sleep(60)
"""
    definition = toy.definition(toy.make(), toy.train())
    process = start_runner(tmp_path, definition=definition, jobs={"train": body})
    wait_for(tmp_path / "runs/run/logs/Train.log", "ready")
    process.send_signal(signal.SIGKILL)
    process.wait()
    deadline = time.monotonic() + 30
    while not list((tmp_path / "runs/cache/checkpoints").glob("*/stopped")):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_body_runs_once_for_each_item_each_run_with_a_record_of_its_own(run: Execute) -> None:
    execution = run(toy.definition(toy.words("one", "two"), toy.learners(1)))
    assert execution.status == "Succeeded", execution.failure
    assert statuses(execution) == dict.fromkeys(("Make-0", "Make-1", "Train-0", "Measure-0"), "Succeeded")
    said = [execution.path(f"Make-{index}", "train") / "x.txt" for index in range(2)]
    assert [file.read_text() for file in said] == ["hello one", "hello two"]
    assert execution.step("Train-0").inputs["train"]["digest"] == digest_tree(said[1].parent)
    assert execution.step("Make-1").log == "logs/Make-1.log"
    assert verify(execution.run_dir.parent) == []


def test_the_cache_knows_a_run_of_a_body_as_any_other_step(run: Execute) -> None:
    run(toy.definition(toy.make(arguments=["two"])), run_id="alone")
    execution = run(toy.definition(toy.words("one", "two")))
    assert [record.cached_from for record in execution.steps] == [None, "alone"]


FAILS_ON_ONE = """
assert sys.argv[1] != "one"
(ml / "processing/output/train/x.txt").write_text(sys.argv[1])
"""


def test_an_item_that_fails_fails_alone_with_what_depends_on_it(run: Execute) -> None:
    definition = toy.definition(toy.words("one", "two"), toy.learners(0, 1))
    execution = run(definition, jobs={"make": FAILS_ON_ONE})
    assert (execution.status, execution.failed_step) == ("Failed", "Make-0")
    assert "AssertionError" in execution.failure
    assert statuses(execution) == {
        **{"Make-0": "Failed", "Make-1": "Succeeded", "Train-0": "Skipped", "Measure-0": "Skipped"},
        **{"Train-1": "Succeeded", "Measure-1": "Succeeded"},
    }
    assert [execution.step(f"{name}-0").detail for name in ("Train", "Measure")] == ["Make-0 failed"] * 2


def test_a_step_that_fails_before_a_body_ends_the_run(run: Execute) -> None:
    first = {**toy.make(arguments=["one"]), "Name": "First"}
    execution = run(toy.definition(first, toy.words("two")), jobs={"make": FAILS_ON_ONE})
    assert statuses(execution) == {"First": "Failed", "Make-0": "Skipped"}
