"""The step contract, in real processes on a moved root."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from boomerang.config import EvaluateSettings
from boomerang.contract import ROOT_ENV, Job
from boomerang.errors import BadInput, ConfigError

ROOT = Path(__file__).parent.parent

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
    assert done.returncode == 1 and "Traceback" in done.stderr
    assert len((tmp_path / "output/message").read_text()) == 1024


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
