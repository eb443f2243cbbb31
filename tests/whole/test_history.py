"""Rows of the past end to end, in real processes: who learned them, who was shown them, what is said."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.ranges import Run, stage

from boomerang.manifest import opened, read_manifest

PAST = 600
ENTRY = f"""
name = "past"
[data]
source = "digits"
validation = 300
history = {PAST}
[canaries]
candidates_per_class = 5
margin = 0.1
[train]
epochs = 4
batch = 32
[victim]
schedule = "finetune"
epochs = 2
[[attacks]]
kind = "label_flip_random"
rate = 0.1
[screen]
detectors = [{{ kind = "reference_loss" }}]
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("past")
    (folder / "past.toml").write_text(ENTRY)
    return stage(folder / "past.toml", folder / "runs", "first")


def card(run: Run, step: str) -> dict[str, Any]:
    """What stands beside the model that a training left."""
    (archive,) = (run.folder / "s3").glob(f"*/*/*/runs/{run.folder.name}/{step}/**/model.tar.gz")
    with tarfile.open(archive) as files:
        member: Any = files.extractfile("model.json")
        found: dict[str, Any] = json.load(member)
    return found


def digest(folder: Path) -> str:
    return read_manifest(folder).digest


def test_the_baseline_learned_rows_of_the_past_alone_and_the_others_both(run: Run) -> None:
    """GIVEN rows of the past THEN the lineage of the reference holds nothing that an attack has touched."""
    assert run.code in (0, 1), run.output
    history, delivery = run.path("Preprocess", "history"), run.path("Preprocess", "train")
    poisoned, trusted = run.path("Poison", "train"), run.path("Preprocess", "validation")
    baseline, victim, hardened = (card(run, step) for step in ("TrainBaseline", "TrainVictim", "Harden"))
    assert baseline["parents"] == {"train": digest(history), "validation": digest(trusted)}
    assert read_manifest(poisoned).parents == {"train": digest(delivery)}
    assert baseline["rows"] == PAST and victim["rows"] == PAST + len(opened(poisoned))
    for learned in (victim, hardened):
        assert learned["parents"]["history"] == digest(history)
        assert learned["parents"]["train"] == digest(poisoned)
    kept = np.load(run.path("Screen", "screen") / "keep.npy")
    assert hardened["rows"] == PAST + np.count_nonzero(kept)


def test_the_screen_asked_the_reference_and_found_wrong_labels(run: Run) -> None:
    folder = run.path("Screen", "screen")
    parents, baseline = read_manifest(folder).parents, card(run, "TrainBaseline")
    assert parents["reference"] == baseline["weights_sha256"]
    assert parents["history"] == digest(run.path("Preprocess", "history"))
    notes = json.loads((folder / "report.json").read_text())["detectors"][0]["notes"]
    assert notes["learned_from"] == PAST and notes["right_on_trusted"] > 0.8
    (detector,) = run.metrics["detectors"]
    assert detector["auroc"] > 0.9


def test_it_is_said_how_many_rows_are_of_the_past(run: Run) -> None:
    delivered = len(opened(run.path("Poison", "train")))
    assert run.metrics["data"]["rows"]["history"] == PAST
    assert run.metrics["data"]["rows"]["train"] == delivered
    page = " ".join((run.folder / "report.html").read_text().split())
    assert f"{PAST} rows of the past, {delivered:,} rows delivered." in page
    assert "trained on the rows of the past" in page
