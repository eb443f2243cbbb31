"""The step contract, in real processes on a moved root."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers.ranges import ROOT

from boomerang.contract import ROOT_ENV, Job, digest_variable
from boomerang.digest import digest_tree
from boomerang.errors import BadInput, ConfigError
from boomerang.settings import EvaluateSettings, TrainSettings

STEP = """
from boomerang.contract import run_step
from boomerang.errors import BadInput

def step(job):
    {body}

run_step(step, training={training})
"""


def run(root: Path, body: str, training: bool = False) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, ROOT_ENV: str(root), "PYTHONPATH": str(ROOT)}
    code = STEP.format(body=body, training=training)
    return subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=False)


def test_a_step_that_ends_well_exits_with_0(tmp_path: Path) -> None:
    assert run(tmp_path, "print(job.root)").stdout.strip() == str(tmp_path)


@pytest.mark.parametrize(("training", "file"), [(False, "output/message"), (True, "output/failure")])
def test_the_reason_of_a_failure_is_where_sagemaker_reads_it(
    tmp_path: Path, training: bool, file: str
) -> None:
    done = run(tmp_path, "raise BadInput('x.npy', 'it is broken', 'make it again')", training)
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert (tmp_path / file).read_text() == "x.npy: it is broken\n  make it again"


def test_an_unforeseen_error_keeps_its_traceback(tmp_path: Path) -> None:
    done = run(tmp_path, "raise KeyError('k' * 5000)")
    assert done.returncode == 70 and "Traceback" in done.stderr
    assert len((tmp_path / "output/message").read_text()) == 1024


def test_what_a_step_says_acts_on_no_terminal(tmp_path: Path) -> None:
    """The name of a class, in what is printed and in why the step stopped."""
    body = "name = 'a' + chr(27) + '[2J' + chr(0x202e) + chr(0xdcff); print(name); raise BadInput(name, name)"
    done = run(tmp_path, body)
    shown = "a\\x1b[2J\\u202e\\udcff"
    assert (done.returncode, done.stdout, done.stderr) == (2, f"{shown}\n", f"error: {shown}: {shown}\n")
    assert (tmp_path / "output/message").read_text() == f"{shown}: {shown}"


@pytest.mark.parametrize(("training", "folder"), [(False, "processing/input"), (True, "input/data")])
def test_an_input_is_found_and_a_missing_one_named(tmp_path: Path, training: bool, folder: str) -> None:
    (tmp_path / folder / "train").mkdir(parents=True)
    job = Job(tmp_path, training)
    assert job.input("train") == tmp_path / folder / "train"
    assert job.has_input("train") and not job.has_input("test")
    with pytest.raises(BadInput, match="the job was given: train"):
        job.input("test")


def test_settings_are_checked(tmp_path: Path) -> None:
    folder = tmp_path / "processing/input/config"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps({"seed": 3, "canaries": {"margin": 0.9}}))
    assert Job(tmp_path).settings(EvaluateSettings).canaries.margin == 0.9
    (folder / "config.json").write_text(json.dumps({"seed": 3, "canaries": {"margins": 0.9}}))
    with pytest.raises(ConfigError, match="did you mean 'margin'"):
        Job(tmp_path).settings(EvaluateSettings)


def test_a_training_finds_its_settings_in_its_hyperparameters(tmp_path: Path) -> None:
    folder = tmp_path / "input/config"
    folder.mkdir(parents=True)
    file = folder / "hyperparameters.json"
    given = {"seed": "3", "train.epochs": "7", "model.architecture": "book"}
    file.write_text(json.dumps(given))
    settings = Job(tmp_path, training=True).settings(TrainSettings)
    assert (settings.seed, settings.train.epochs, settings.model.architecture) == (3, 7, "book")
    file.write_text(json.dumps({**given, "train.epoch": "7"}))
    with pytest.raises(ConfigError, match="did you mean 'epochs'"):
        Job(tmp_path, training=True).settings(TrainSettings)
    file.write_text(json.dumps({**given, "seed": 3}))
    with pytest.raises(ConfigError, match="SageMaker passes texts"):
        Job(tmp_path, training=True).settings(TrainSettings)


@pytest.mark.parametrize(("training", "folder"), [(False, "config"), (True, "input/config")])
def test_a_job_knows_its_machines(tmp_path: Path, training: bool, folder: str) -> None:
    job = Job(tmp_path, training)
    assert (job.hosts.count, job.hosts.index) == (1, 0)
    file = tmp_path / folder / "resourceconfig.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps({"hosts": ["algo-1", "algo-2"], "current_host": "algo-2"}))
    assert (job.hosts.count, job.hosts.index, job.hosts.current) == (2, 1, "algo-2")
    for broken in ({"hosts": ["algo-1"], "current_host": "algo-2"}, {"hosts": []}, ["algo-1"], {}):
        file.write_text(json.dumps(broken))
        with pytest.raises(BadInput, match="which of them this is"):
            _ = job.hosts


@pytest.mark.parametrize(("training", "folder"), [(False, "processing/input"), (True, "input/data")])
@pytest.mark.parametrize(
    "tamper",
    [
        lambda given: None,
        lambda given: (given / "config.json").write_text('{"seed": 4}'),
        lambda given: (given / "more.json").write_text("{}"),
        lambda given: (given / "sub" / "one.png").unlink(),
        lambda given: (given / "sub" / "one.png").rename(given / "one.png"),
        shutil.rmtree,
    ],
    ids=["as it was", "edited", "added", "removed", "moved", "gone"],
)
def test_a_step_does_not_begin_on_an_input_that_is_not_what_was_staged(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    tamper: Callable[[Path], object],
    training: bool,
    folder: str,
) -> None:
    given = tmp_path / folder / "pictures"
    (given / "sub").mkdir(parents=True)
    (given / "config.json").write_text('{"seed": 3}')
    (given / "sub" / "one.png").write_bytes(b"one")
    monkeypatch.setenv(digest_variable("pictures"), digest_tree(given))
    before = digest_tree(given)
    tamper(given)
    done = run(tmp_path, "print('began')", training)
    if given.is_dir() and digest_tree(given) == before:
        assert (done.returncode, done.stdout) == (0, "began\n")
        return
    assert done.returncode == (4 if given.is_dir() else 2)
    assert "Traceback" not in done.stderr and done.stdout == ""
    said = (tmp_path / ("output/failure" if training else "output/message")).read_text()
    assert said.startswith("input 'pictures'") and said == done.stderr.removeprefix("error: ").rstrip()


TOLD_TO_STOP = "import os, signal; os.kill(os.getpid(), signal.SIGTERM); print('went on', flush=True)"


def test_a_step_that_is_told_to_stop_says_so(tmp_path: Path) -> None:
    done = run(tmp_path, TOLD_TO_STOP)
    assert done.returncode == 143 and "went on" not in done.stdout
    assert (tmp_path / "output/message").read_text().startswith("the job was told to stop: it got SIGTERM")


def test_a_step_may_first_finish_what_it_is_doing(tmp_path: Path) -> None:
    body = f"""
    from boomerang.contract import hold_stop
    with hold_stop() as stop:
        {TOLD_TO_STOP}
        print("asked", stop.asked, flush=True)
    print("after the block", flush=True)"""
    done = run(tmp_path, body.strip())
    assert done.returncode == 143
    assert done.stdout.splitlines() == ["went on", "asked True"]


def test_nobody_stops_a_step_that_has_ended(tmp_path: Path) -> None:
    body = "import atexit, os, signal; atexit.register(lambda: os.kill(os.getpid(), signal.SIGTERM))"
    assert run(tmp_path, body).returncode == 0
