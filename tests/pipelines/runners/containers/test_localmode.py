"""SageMaker local mode: the numbers of the `process` runner, the same records, and nothing left behind."""

from __future__ import annotations

import json
import os
import re
import signal
import stat
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from helpers.interrupts import heard
from helpers.ranges import DIGITS, ROOT, Run, stage

from pipelines.registry.local import Registry

# In one process: each test says that Docker has nothing of ours any more.
pytestmark = pytest.mark.timeout(600)

# The victim is what is registered here, and the gate rejects it.
UNDEFENDED = DIGITS.replace("[data]", "harden = []\n[data]", 1)
NOBODY = 12345


@dataclass(frozen=True)
class Both:
    """One config and seed, run as processes and in containers."""

    process: Run
    local: Run
    out: Path


def docker(*arguments: str) -> str:
    return subprocess.run(["docker", *arguments], capture_output=True, text=True, check=True).stdout


def ours() -> tuple[str, str]:
    """What Docker has that is ours: containers and networks."""
    mine = ("-q", "--filter", "label=boomerang.owner")
    return docker("ps", "-a", *mine), docker("network", "ls", *mine)


@pytest.fixture(scope="module")
def both(image: str, tmp_path_factory: pytest.TempPathFactory) -> Both:
    folder = tmp_path_factory.mktemp("both")
    config = folder / "digits.toml"
    config.write_text(UNDEFENDED)
    process = stage(config, folder / "process", "run")
    local = stage(config, folder / "local", "run", on="local")
    return Both(process, local, folder)


def test_the_gate_rejects_in_containers_as_it_does_in_processes(both: Both) -> None:
    assert (both.process.code, both.local.code) == (1, 1), both.local.output
    package = Registry(both.out / "local/registry").package("digits", 1)
    assert package.status == "Rejected"
    assert Registry(both.out / "local/registry").verify_package("digits", 1) == []
    assert both.local.step("RegisterRejected")["status"] == "Succeeded"
    assert both.local.step("Register")["status"] == "Skipped"
    assert both.local.step("Fail")["detail"] == both.process.step("Fail")["detail"]


def test_every_dataset_is_the_same_and_every_number_within_half_a_point(both: Both) -> None:
    assert both.local.datasets == both.process.datasets
    assert {"Preprocess/train", "Preprocess/heldout/test", "Poison/train"} <= both.local.datasets.keys()
    assert (
        both.local.step("TrainVictim")["hyperparameters"]
        == both.process.step("TrainVictim")["hyperparameters"]
    )
    for name, local in both.local.rates.items():
        assert local == pytest.approx(both.process.rates[name], abs=0.005), name
    assert both.local.rates.keys() == both.process.rates.keys()


def test_the_record_and_the_report_are_those_of_any_run(both: Both) -> None:
    assert (both.local.folder / "report.html").stat().st_size > 10_000
    done = subprocess.run(
        [sys.executable, "-m", "pipelines", "verify", str(both.local.folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    package = json.loads((both.out / "local/registry/digits/1/package.json").read_text())
    steps = [entry["step"] for entry in package["lineage"]]
    assert {"Preprocess", "Poison", "TrainVictim", "Screen", "Evaluate"} <= set(steps)
    assert package["dataset"]["digest"] == both.local.step("Poison")["outputs"]["train"]["digest"]
    assert re.search(r"epoch 1/\d+ ", (both.local.folder / "logs/TrainVictim.log").read_text())


def test_the_lineage_is_that_of_a_run_in_processes(both: Both) -> None:
    graphs = [json.loads((run.folder / "lineage.json").read_text()) for run in (both.process, both.local)]
    assert graphs[0]["associations"] == graphs[1]["associations"]
    kept = [{each["name"]: each["content"] for each in graph["entities"]} for graph in graphs]
    assert kept[0].keys() == kept[1].keys()
    assert kept[0]["Poison-train-run"] == kept[1]["Poison-train-run"]


def test_a_lineage_step_needs_no_container(tmp_path: Path) -> None:
    from pipelines.campaign.site import LOCAL
    from pipelines.definition.sdk import drawing
    from pipelines.definition.sdk import imports as sdk
    from pipelines.runners.containers.localmode import LocalPipelines
    from pipelines.runners.containers.run_book import Book
    from pipelines.runners.ledger import Ledger

    with drawing():
        session = LocalPipelines(LOCAL, "no-network")
        run = sdk.ExecutionVariables.PIPELINE_EXECUTION_ID
        name, uri = sdk.Join(on="-", values=["pictures", run]), "s3://bucket/pictures"
        picture = sdk.Artifact.create(
            artifact_name=name, source_uri=uri, artifact_type="DataSet", sagemaker_session=session
        )
        step = sdk.LineageStep(name="Lineage", artifacts=[picture])
        pipeline = sdk.Pipeline(name="toy", parameters=[], steps=[step], sagemaker_session=session)
        definition = json.loads(pipeline.definition())
        book = Book(Ledger(tmp_path / "run", {}, lambda event: None), definition)
        book.ledger.prepare(definition, {f"{uri}/one.png": b"one"})
        session.run(pipeline, "run", book)
        execution = book.close()
    assert execution.step("Lineage").detail == "artifacts: 1, associations: 0"
    (entity,) = json.loads((tmp_path / "run/lineage.json").read_text())["entities"]
    assert (entity["name"], entity["uri"]) == ("pictures-run", uri)
    assert entity["content"] == book.ledger.store.digest(uri)


def test_nothing_stays_behind(both: Both) -> None:
    assert ours() == ("", "")
    left = {path.name for path in both.local.folder.iterdir()}
    assert not left & {"jobs"} and not list((both.local.folder / "checkpoints").iterdir())


def test_the_steps_own_words_say_why_it_failed(image: str, tmp_path: Path) -> None:
    config = tmp_path / "digits.toml"
    config.write_text(DIGITS)
    run = stage(config, tmp_path / "runs", "run", ["data.validation=100000"], on="local")
    assert run.code == 2
    assert "rows and 10000 are needed" in run.output and "Traceback" not in run.output
    assert run.step("Preprocess")["status"] == "Failed" and run.step("Evaluate")["status"] == "Skipped"
    assert ours() == ("", "")


def as_nobody(command: list[str], home: Path) -> subprocess.CompletedProcess[str]:
    """Run a Python command as a user without rights, who may use Docker."""
    packages = next(path for path in sys.path if path.endswith("site-packages"))
    environment = {
        **{key: value for key, value in os.environ.items() if key in ("PATH", "LANG")},
        "HOME": str(home),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": f"{ROOT}:{packages}",
    }
    return subprocess.run(
        [interpreter_of_anybody(), *command],
        cwd=ROOT,
        env=environment,
        user=NOBODY,
        group=NOBODY,
        extra_groups=[Path("/var/run/docker.sock").stat().st_gid],
        capture_output=True,
        text=True,
        check=False,
    )


def interpreter_of_anybody() -> str:
    """Return a Python like this one that another user can start: a venv may lead into root's home."""
    same = f"import sys; sys.exit(sys.version_info[:2] != {sys.version_info[:2]})"
    for candidate in (sys.executable, "/usr/bin/python3"):
        try:
            subprocess.run(
                [candidate, "-c", same], user=NOBODY, group=NOBODY, check=True, capture_output=True
            )
        except (PermissionError, FileNotFoundError, subprocess.CalledProcessError):
            continue
        return candidate
    pytest.skip("no Python of this version that another user can start")


def test_what_a_container_writes_belongs_to_who_ran_it(image: str, tmp_path: Path) -> None:
    if os.getuid():
        pytest.skip("only root can run the command as another user")
    for folder in (tmp_path, *list(tmp_path.parents)[:3]):
        folder.chmod(folder.stat().st_mode | 0o011)
    home = tmp_path / "home"
    home.mkdir()
    config = home / "digits.toml"
    config.write_text(DIGITS)
    os.chown(home, NOBODY, NOBODY)
    command = ["-m", "pipelines", "run", "--config", str(config), "--on", "local"]
    command += ["--set", "train.epochs=1", "--out", str(home / "runs"), "--id", "run"]
    done = as_nobody(command, home)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    written = [path for path in home.rglob("*") if path != config]
    assert any(path.name == "model.tar.gz" for path in written)
    assert {path.lstat().st_uid for path in written} == {NOBODY}


def test_a_job_is_stopped_at_its_time_limit(image: str, tmp_path: Path) -> None:
    config = tmp_path / "digits.toml"
    config.write_text(DIGITS)
    run = stage(config, tmp_path / "runs", "run", ["jobs.timeout_s=25", "train.epochs=10000"], on="local")
    assert run.code == 2 and "stopped at its time limit of 25 s" in run.output
    assert ours() == ("", "")
    (kept,) = (run.folder / "checkpoints").iterdir()
    assert list(kept.iterdir()), "the training wrote its checkpoint when it was told to stop"


def test_a_killed_run_leaves_nothing_for_the_next_one(image: str, tmp_path: Path) -> None:
    config = tmp_path / "digits.toml"
    config.write_text(DIGITS)
    command = [sys.executable, "-m", "pipelines", "run", "--config", str(config), "--on", "local"]
    command += ["--out", str(tmp_path / "runs"), "--set", "train.epochs=10000", "--id", "killed"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not any((tmp_path / "runs/killed/logs").glob("Train*.log")):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    while ours()[0] == "":
        assert time.monotonic() < deadline
        time.sleep(0.2)
    process.kill()
    process.wait()
    assert ours()[0], "a killed process cannot clear its containers"
    stage(config, tmp_path / "runs", "next", ["data.validation=100000"], on="local")
    assert ours() == ("", "")


def test_files_in_the_store_are_read_only(both: Both) -> None:
    files = [path for path in (both.local.folder / "s3").rglob("*") if path.is_file()]
    assert files and not [f for f in files if stat.S_IMODE(f.stat().st_mode) & 0o222]


def test_an_interrupted_run_says_so_and_leaves_no_container(image: str, tmp_path: Path) -> None:
    config = tmp_path / "digits.toml"
    config.write_text(DIGITS)
    command = [sys.executable, "-m", "pipelines", "run", "--config", str(config), "--on", "local"]
    command += ["--out", str(tmp_path / "runs"), "--id", "cut"]
    with heard():
        run = subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
    assert run.stderr is not None
    with run.stderr as lines:
        while "TrainBaseline started" not in (line := lines.readline()):
            assert line
        deadline = time.monotonic() + 60
        while ours()[0] == "":
            assert time.monotonic() < deadline
            time.sleep(0.1)
        run.send_signal(signal.SIGINT)
        said = lines.read()
    assert run.wait(timeout=180) == 130 and "Traceback" not in said
    record = json.loads((tmp_path / "runs/cut/execution.json").read_text())
    assert (record["status"], record["failed_step"]) == ("Failed", "TrainBaseline")
    assert ours() == ("", "")
