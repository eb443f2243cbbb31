"""The runner on real subprocesses: every step kind, failures, resuming, isolation."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from helpers import toy_pipeline as toy
from helpers.ranges import ROOT

from boomerang.digest import digest_tree
from boomerang.errors import ConfigError, UsageError
from pipelines.runners.process.runner import Event, Execution, execute, load_execution, verify

Execute = Callable[..., Execution]


@pytest.fixture
def run(tmp_path: Path) -> Execute:
    """Run a definition on the toy project; `jobs` replaces bodies of jobs."""

    def start(
        definition: Mapping[str, Any] | None = None,
        *,
        run_id: str = "run",
        staged: Mapping[str, Path | bytes] = toy.STAGED,
        jobs: Mapping[str, str] | None = None,
        **options: Any,
    ) -> Execution:
        toy.project(tmp_path / "project", **(jobs or {}))
        return execute(
            definition or toy.definition(),
            staged,
            workspace=tmp_path / "runs",
            run_id=run_id,
            project=tmp_path / "project",
            warm=options.pop("warm", False),
            **options,
        )

    return start


def statuses(execution: Execution) -> dict[str, str]:
    return {record.name: record.status for record in execution.steps}


def test_a_whole_pipeline_passes_its_gate_and_registers(run: Execute) -> None:
    events: list[Event] = []
    execution = run(on_event=events.append)

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


def traced(step: dict[str, Any] | None = None) -> dict[str, Any]:
    """The toy pipeline, with a Lineage step after its registration."""
    definition = toy.definition()
    definition["Steps"][-1]["Arguments"]["IfSteps"].append(step or toy.lineage())
    return definition


def test_a_lineage_step_leaves_its_graph_with_digests(run: Execute) -> None:
    execution = run(traced())

    assert execution.step("Lineage").detail == "actions: 3, artifacts: 4, associations: 6"
    found = json.loads((execution.run_dir / "lineage.json").read_text())
    content = {each["name"]: each["content"] for each in found["entities"]}
    assert content["Make-train-run"] == execution.step("Make").outputs["train"].digest
    assert content["config-run"] == execution.step("Make").inputs["config"]["digest"]
    package = json.loads((execution.run_dir.parent / "registry/toys/1/package.json").read_text())
    assert content["package-run"] == package["digest"]
    assert content["Make-run"] is None, "an action has no content"


def test_another_step_may_read_what_a_lineage_made(run: Execute) -> None:
    arn = toy.get("Steps.Lineage.ArtifactArns['package-run']")
    definition = traced()
    last = toy.processing("Last", "processing.make", {"config": toy.CONFIG}, ["train"], [arn])
    definition["Steps"][-1]["Arguments"]["IfSteps"].append(last)
    execution = run(definition)
    assert (execution.path("Last", "train") / "x.txt").read_text() == "hello run/package-run"


def test_a_run_that_fails_before_it_leaves_no_lineage_of_an_earlier_try(run: Execute) -> None:
    assert (run(traced()).run_dir / "lineage.json").is_file()
    execution = run(traced(), jobs={"measure": "sys.exit(3)"})
    assert execution.failed_step == "Measure"
    assert not (execution.run_dir / "lineage.json").exists()


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda a: a["Artifacts"].pop(0), "an association is of Artifact 'config-run'"),
        (lambda a: a["Artifacts"].append(a["Artifacts"][0]), "it makes two of Artifact 'config-run'"),
        (lambda a: a["Actions"][0].pop("Source"), "its arguments lack 'Source'"),
        (lambda a: a["Artifacts"][0]["Properties"].update(Rows=3), "properties.Rows"),
    ],
)
def test_a_lineage_that_could_not_be_recorded_fails(
    run: Execute, spoil: Callable[[dict[str, Any]], Any], why: str
) -> None:
    step = toy.lineage()
    spoil(step["Arguments"])
    execution = run(traced(step))
    assert execution.failed_step == "Lineage"
    assert why in execution.failure
    assert not (execution.run_dir / "lineage.json").exists()


def test_a_package_has_its_description_and_its_card(run: Execute) -> None:
    definition = toy.definition()
    arguments = definition["Steps"][-1]["Arguments"]["IfSteps"][0]["Arguments"]
    arguments["ModelPackageDescription"] = toy.join("it says:", toy.metric("reasons"), on=" ")
    arguments["ModelCard"] = {"ModelCardContent": toy.join('{"drop": ', toy.metric("gate.drop"), "}", on="")}
    execution = run(definition)
    file = execution.run_dir.parent / "registry/toys/1/package.json"
    package = json.loads(file.read_text())
    assert (package["description"], package["card"]) == ("it says: it got worse", {"drop": 0.01})


def test_a_card_that_is_no_json_fails_the_registration(run: Execute) -> None:
    definition = toy.definition()
    arguments = definition["Steps"][-1]["Arguments"]["IfSteps"][0]["Arguments"]
    arguments["ModelCard"] = {"ModelCardContent": toy.join('{"drop": ', toy.metric("reasons"), "}", on="")}
    execution = run(definition)
    assert (execution.failed_step, "its model card is no JSON" in execution.failure) == ("Register", True)


def test_outputs_are_recorded_with_the_digest_of_their_tree(run: Execute) -> None:
    execution = run()

    for record in execution.steps:
        for name, output in record.outputs.items():
            assert output.digest == digest_tree(execution.path(record.name, name))
    assert execution.step("Train").inputs["train"]["digest"] == execution.step("Make").outputs["train"].digest


def test_a_rejected_model_is_registered_as_such_and_the_run_fails_with_the_reasons(run: Execute) -> None:
    execution = run(parameters={"MaxDrop": "0.001"})

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
def test_a_gate_without_a_number_to_judge_never_passes(run: Execute, metrics: str, why: str) -> None:
    body = f"(ml / 'processing/output/evaluation/metrics.json').write_text({metrics!r})"
    execution = run(jobs={"measure": body})

    assert (execution.status, execution.failed_step) == ("Failed", "Gate"), execution.failure
    assert why in execution.failure
    assert not execution.run_dir.parent.joinpath("registry", "toys").exists()


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


def test_a_training_job_says_why_in_its_own_file(run: Execute) -> None:
    execution = run(jobs={"train": "(ml / 'output/failure').write_text('it diverged'); sys.exit(1)"})

    assert execution.failed_step == "Train"
    assert execution.failure.startswith("it diverged")


def test_a_training_job_that_leaves_no_model_fails(run: Execute) -> None:
    execution = run(jobs={"train": "pass"})

    assert execution.failed_step == "Train"
    assert "it left nothing in /opt/ml/model" in execution.failure


def test_a_training_job_finds_its_channels_and_settings(run: Execute) -> None:
    body = """
config = ml / "input/config"
found = {
    "hyperparameters": json.loads((config / "hyperparameters.json").read_text()),
    "channels": sorted(json.loads((config / "inputdataconfig.json").read_text())),
    "hosts": json.loads((config / "resourceconfig.json").read_text())["hosts"],
}
(ml / "model/found.json").write_text(json.dumps(found))
(ml / "output/data/history.txt").write_text("1 2 3")
"""
    execution = run(toy.definition(toy.make(), toy.train()), jobs={"train": body})

    with tarfile.open(execution.path("Train", "model")) as archive:
        found = json.load(archive.extractfile("found.json"))  # type: ignore[arg-type]  # it is a file
    assert found == {"hyperparameters": {"epochs": "3"}, "channels": ["train"], "hosts": ["algo-1"]}
    with tarfile.open(execution.path("Train", "data")) as archive:
        assert archive.getnames() == ["history.txt"]


def test_equal_models_are_packed_to_equal_bytes(run: Execute) -> None:
    slow = "time.sleep(1.1); (ml / 'model/b').write_text('b'); (ml / 'model/a').write_text('a')"
    quick = "(ml / 'model/a').write_text('a'); (ml / 'model/b').write_text('b')"
    first = run(run_id="first", jobs={"train": slow})
    second = run(run_id="second", jobs={"train": quick})

    assert first.step("Train").key != second.step("Train").key
    assert first.step("Train").outputs["model"].digest == second.step("Train").outputs["model"].digest


def test_a_job_sees_its_own_inputs_and_no_credential(run: Execute, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("GITHUB_TOKEN", "secret")
    monkeypatch.setenv("BOOMERANG_TRY", "secret")  # nor a setting of this shell: it would escape the cache
    body = """
seen = {"env": dict(os.environ), "cwd": os.listdir("."), "inputs": os.listdir(ml / "processing/input")}
(ml / "processing/output/train/seen.json").write_text(json.dumps(seen))
"""
    execution = run(toy.definition(toy.make(environment={"COLOR": "cyan"})), jobs={"make": body})
    seen = json.loads((execution.path("Make", "train") / "seen.json").read_text())

    assert "secret" not in seen["env"].values()
    assert seen["env"]["COLOR"] == "cyan"
    assert (seen["cwd"], seen["inputs"]) == ([], ["config"])


def test_a_job_that_writes_into_its_input_is_stopped(run: Execute) -> None:
    body = """
model = ml / "processing/input/model/model.tar.gz"
model.chmod(0o644)
with model.open("ab") as stream:
    stream.write(b"!")
"""
    execution = run(jobs={"measure": body})

    assert execution.failed_step == "Measure"
    assert "it wrote into its input model" in execution.failure


def test_a_job_over_its_time_is_killed_with_all_it_started(run: Execute, tmp_path: Path) -> None:
    pid_file = tmp_path / "grandchild"
    body = f"""
import subprocess
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
Path({str(pid_file)!r}).write_text(str(child.pid))
time.sleep(60)
"""
    execution = run(toy.definition(toy.make(timeout_s=2)), jobs={"make": body})

    assert "stopped at its time limit of 2 s" in execution.failure
    assert gone(int(pid_file.read_text()))


def test_what_a_job_leaves_running_ends_with_it(run: Execute, tmp_path: Path) -> None:
    pid_file = tmp_path / "grandchild"
    body = f"""
import subprocess
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
Path({str(pid_file)!r}).write_text(str(child.pid))
"""
    execution = run(toy.definition(toy.make()), jobs={"make": body})

    assert execution.status == "Succeeded"
    assert gone(int(pid_file.read_text()))


def gone(pid: int) -> bool:
    """Whether a process ends within a few seconds."""
    for _ in range(100):
        try:
            if Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z":
                return True
            os.kill(pid, 0)
        except (ProcessLookupError, FileNotFoundError):
            return True
        time.sleep(0.05)
    return False


_RUNNER = """
import sys
from pathlib import Path
from helpers import toy_pipeline as toy
from pipelines.runners.process.runner import execute
base = Path(sys.argv[1])
places = {"workspace": base / "runs", "project": base / "project"}
execute(toy.definition(), toy.STAGED, run_id="run", warm=False, **places)
"""


def start_runner(folder: Path) -> subprocess.Popen[bytes]:
    """Start the toy pipeline in a process of its own, to be killed."""
    root = ROOT
    environment = {**os.environ, "PYTHONPATH": f"{root}{os.pathsep}{root / 'tests'}"}
    command = [sys.executable, "-c", _RUNNER, str(folder)]
    return subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)


def test_a_killed_run_goes_on_at_the_first_unfinished_step(run: Execute, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    half_done = f"""
(ml / "model/weights.txt").write_text("half")
Path({str(marker)!r}).write_text(str(os.getpid()))
time.sleep(60)
"""
    toy.project(tmp_path / "project", train=half_done)
    process = start_runner(tmp_path)
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


def wait_for(file: Path) -> None:
    deadline = time.monotonic() + 30
    while not (file.is_file() and file.read_text()):
        assert time.monotonic() < deadline, f"{file} did not come"
        time.sleep(0.02)


def test_interrupting_a_run_ends_its_job(run: Execute, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    toy.project(
        tmp_path / "project", make=f"Path({str(marker)!r}).write_text(str(os.getpid())); time.sleep(60)"
    )
    process = start_runner(tmp_path)
    wait_for(marker)
    process.send_signal(signal.SIGINT)

    assert process.wait(timeout=20) != 0
    assert gone(int(marker.read_text()))
    assert load_execution(tmp_path / "runs/run").failure == "it was interrupted"


def test_two_processes_cannot_work_on_one_run(run: Execute, tmp_path: Path) -> None:
    def again(event: Event) -> None:
        with pytest.raises(UsageError, match="another process is working on it"):
            run()

    assert run(on_event=again).status == "Succeeded"


def test_running_a_finished_run_again_registers_nothing_twice(run: Execute) -> None:
    assert run().step("Register").detail == "toys/1, PendingManualApproval"
    again = run()

    assert all(record.cached for record in again.steps if record.type in ("Processing", "Training"))
    assert again.step("Register").detail == "toys/1, PendingManualApproval"
    assert run(run_id="other").step("Register").detail == "toys/2, PendingManualApproval"


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


def test_staged_folders_arrive_whole_and_links_out_of_them_are_refused(run: Execute, tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    (folder / "set").mkdir(parents=True)
    (folder / "set/a.txt").write_text("a")
    step = toy.processing("Make", "processing.make", {"pictures": "s3://b/p"}, ["train"])
    body = """
text = (ml / "processing/input/pictures/set/a.txt").read_text()
(ml / "processing/output/train/x.txt").write_text(text)
"""
    staged = {**toy.STAGED, "s3://b/p": folder}

    execution = run(toy.definition(step), staged=staged, jobs={"make": body})
    assert (execution.path("Make", "train") / "x.txt").read_text() == "a"
    assert os.access(folder / "set/a.txt", os.W_OK)

    (folder / "out").symlink_to("/etc/hostname")
    with pytest.raises(UsageError, match="is a link"):
        run(toy.definition(step), staged=staged)


def test_an_input_that_nothing_wrote_is_named(run: Execute) -> None:
    step = toy.processing("Make", "processing.make", {"config": "s3://bucket/elsewhere"}, ["train"])
    execution = run(toy.definition(step))

    assert "nothing is at s3://bucket/elsewhere" in execution.failure


def test_verify_names_each_file_that_is_not_as_it_was_made(run: Execute, tmp_path: Path) -> None:
    execution = run()
    assert verify(tmp_path / "runs") == []

    made = execution.path("Make", "train")
    flip_a_bit(made / "x.txt")
    made.joinpath("foreign.txt").write_text("?")
    execution.path("Measure", "evaluation").joinpath("metrics.json").unlink()
    found = {(p.path.name, p.what.split(":")[0]) for p in verify(execution.run_dir)}
    assert found == {
        ("x.txt", "has been changed"),
        ("foreign.txt", "is foreign"),
        ("metrics.json", "is missing"),
    }
    # The cache holds the same file by hard link, and says so too.
    assert any("damaged cache entry" in p.what for p in verify(tmp_path / "runs"))


def flip_a_bit(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[0] ^= 1
    file.chmod(0o644)
    file.write_bytes(bytes(data))


@pytest.fixture
def light(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a module of the standard library stand for Keras, which takes seconds to load."""
    monkeypatch.setattr("pipelines.runners.process.warmth._HEAVY", frozenset({"colorsys"}))
    monkeypatch.setattr("pipelines.runners.process.warmth._PRELOAD", ("colorsys",))


@pytest.mark.usefixtures("light")
def test_a_forked_job_is_as_private_as_any_other(run: Execute) -> None:
    body = """
loaded = "colorsys" in sys.modules
import colorsys, tempfile
seen = {
    "parent": os.getppid(), "loaded": loaded, "arguments": sys.argv[1:], "color": os.environ.get("COLOR"),
    "left": hasattr(colorsys, "left"), "cwd": os.getcwd(), "tmp": tempfile.gettempdir(), "name": __name__,
    "group": os.getpgid(0) == os.getpid(), "input": sys.stdin.read(),
}
(ml / "processing/output/out/seen.json").write_text(json.dumps(seen))
print("said")
colorsys.left = True
"""
    steps = [
        toy.processing(
            name, "processing.make", {}, ["out"], [name], cached=False, environment={"COLOR": name}
        )
        for name in "ABC"
    ]
    execution = run(toy.definition(*steps), jobs={"make": body}, warm=True)

    a, b, c = (json.loads((execution.path(name, "out") / "seen.json").read_text()) for name in "ABC")
    assert (a["loaded"], b["loaded"], c["loaded"]) == (False, True, True)
    assert a["parent"] != b["parent"] == c["parent"]
    for name, seen in (("A", a), ("B", b), ("C", c)):
        assert (seen["arguments"], seen["color"], seen["left"], seen["input"]) == ([name], name, False, "")
        assert seen["cwd"] == str(execution.run_dir / "jobs" / name / "cwd")
        assert seen["tmp"] == str(execution.run_dir / "jobs" / name / "tmp")
        assert (seen["name"], seen["group"]) == ("__main__", True)
        assert (execution.run_dir / "logs" / f"{name}.log").read_text() == "said\n"


@pytest.mark.usefixtures("light")
def test_a_forked_job_fails_and_is_timed_like_any_other(run: Execute) -> None:
    body = """
import colorsys
end = {"exit": lambda: sys.exit(4), "raise": lambda: 1 / 0, "sleep": lambda: time.sleep(60)}
end.get(sys.argv[1], lambda: None)()
"""

    def failure(how: str, timeout_s: int = 30) -> str:
        steps = [
            toy.processing(name, "processing.make", {}, ["out"], [what], cached=False, timeout_s=timeout_s)
            for name, what in (("First", "pass"), ("Second", how))
        ]
        execution = run(toy.definition(*steps), jobs={"make": body}, warm=True)
        assert execution.failed_step == "Second"
        return execution.failure

    assert "exit code 4" in failure("exit")
    assert "ZeroDivisionError" in failure("raise")
    assert "time limit of 2 s" in failure("sleep", 2)


def test_two_steps_cannot_write_to_one_address(run: Execute) -> None:
    same = toy.make() | {"Name": "Same"}
    execution = run(toy.definition(toy.make(), same))

    assert execution.failed_step == "Same"
    assert "another step has written there" in execution.failure


def test_an_argument_that_the_service_would_refuse_is_refused_here(run: Execute) -> None:
    execution = run(toy.definition(toy.make(arguments=[toy.get("Parameters.MaxDrop")])))

    assert execution.failed_step == "Make"
    assert "0.02 is no text" in execution.failure
