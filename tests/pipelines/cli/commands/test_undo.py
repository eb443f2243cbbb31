"""`undo` as a person uses it: on a run that was really staged, and on what is no such run."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.ranges import ROOT, Range, stage
from helpers.report_fixture import build_run
from helpers.scenes import Scene

from boomerang.manifest import opened, read_manifest
from pipelines.cli.main import main
from pipelines.runners.verify import verify
from pipelines.runs.records import load_execution

OF_THREE = """
name = "three"
harden = []
[data]
source = "digits"
validation = 50
[canaries]
candidates_per_class = 2
per_class = 1
[train]
epochs = 1
[screen]
detectors = [{kind = "data_validation"}]
[[attacks]]
kind = "badnets"
target = "0"
rate = 0.04
patch_px = 3
[[attacks]]
kind = "label_flip_random"
rate = 0.1
[[attacks]]
kind = "badnets"
name = "copies"
target = "1"
rate = 0.05
mode = "add"
patch_px = 2
corner = "top-left"
"""


def test_a_process_gives_the_clean_set_of_a_run_back(digits_range: Range, tmp_path: Path) -> None:
    run = digits_range.first.folder
    command = [sys.executable, "-m", "pipelines", "undo", run, tmp_path / "new" / "clean"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    execution = load_execution(run)
    clean = read_manifest(execution.path("Preprocess", "train"))
    made = opened(tmp_path / "new" / "clean").manifest
    assert made.digest == clean.digest != read_manifest(execution.path("Poison", "train")).digest
    assert done.stdout == (
        f"{tmp_path / 'new' / 'clean'}: {len(opened(tmp_path / 'new' / 'clean'))} rows, "
        f"as they were before Poison\n{clean.digest}\n"
    )
    assert verify(run) == [], "nothing of the run is changed"


@pytest.mark.whole
def test_a_staged_recipe_of_three_is_undone(tmp_path: Path) -> None:
    (tmp_path / "three.toml").write_text(OF_THREE)
    run = stage(tmp_path / "three.toml", tmp_path / "runs", "three").folder
    assert main(["undo", str(run), str(tmp_path / "clean")]) == 0
    digest = read_manifest(load_execution(run).path("Preprocess", "train")).digest
    assert opened(tmp_path / "clean").manifest.digest == digest


def test_what_is_no_run_or_has_no_poisoned_set_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    build_run(tmp_path / "stopped", Scene(stop="Poison"))
    (tmp_path / "empty").mkdir()
    for name, said in (("empty", "it is no run's folder"), ("stopped", "it has no poisoned training set")):
        assert main(["undo", str(tmp_path / name), str(tmp_path / "out")]) == 2
        assert said in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_place_that_is_taken_or_in_a_run_is_refused(
    digits_range: Range, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = digits_range.first.folder
    for place, said in ((tmp_path, "it is there already"), (run / "clean", "is a run, and its record names")):
        assert main(["undo", str(run), str(place)]) == 2
        assert said in capsys.readouterr().err
    assert not (run / "clean").exists() and not list(tmp_path.iterdir())


def test_a_run_whose_files_or_record_were_changed_is_refused(
    digits_range: Range, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = tmp_path / "first"
    shutil.copytree(digits_range.first.folder, first)
    execution = load_execution(first)
    labels = execution.path("Poison", "train") / "y.npy"
    labels.chmod(0o644)
    data = bytearray(labels.read_bytes())
    data[-8] ^= 1
    labels.write_bytes(data)
    assert main(["undo", str(first), str(tmp_path / "out")]) == 4
    assert f"{labels} has been changed" in capsys.readouterr().err
    data[-8] ^= 1
    labels.write_bytes(data)
    record = json.loads((first / "execution.json").read_text())
    (first / "execution.json").write_text(json.dumps(record | {"seconds": 1.0}))
    assert main(["undo", str(first), str(tmp_path / "out")]) == 4
    assert "execution.json has been changed" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
