"""Controls: which rows they take out, and the step as a real process."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.ranges import ROOT
from helpers.suspects import CLASSES, noise_images

from boomerang.contract import ROOT_ENV, Job
from boomerang.digest import digest_tree
from boomerang.errors import BadInput, IntegrityError
from boomerang.formats.notices import notices_below
from boomerang.formats.screen import CONTROLS, open_screen
from boomerang.formats.truth import load_truth
from boomerang.manifest import verify_folder, write_dataset
from processing import poison
from processing.control import run, taken_out

ROWS = 300
PATCH = {"kind": "badnets", "target": CLASSES[0], "rate": 0.1, "mode": "add"}
FLIP = {"kind": "label_flip_random", "rate": 0.05}

Layout = Callable[..., Job]


@pytest.fixture
def lay_out(tmp_path: Path) -> Layout:
    """Return what runs Poison and lays out the disk of the control after it."""

    def lay_out(control: str = "perfect", seed: int = 0, attacks: Any = (PATCH, FLIP), name: str = "") -> Job:
        name = name or f"{control}-{seed}"
        first, job = Job(tmp_path / f"{name}-poison"), Job(tmp_path / name)
        given = first.root / "processing/input"
        x = noise_images(np.random.default_rng(0), ROWS, 8)
        write_dataset(given / "train", x, np.arange(ROWS) % len(CLASSES), name="noise", classes=CLASSES)
        _tell(first, {"seed": 0, "attacks": list(attacks)})
        poison.run(first)
        _tell(job, {"seed": seed, "control": control})
        for output in ("train", "secret"):
            shutil.copytree(first.output(output), job.root / "processing/input" / output)
        return job

    return lay_out


def _tell(job: Job, settings: dict[str, Any]) -> None:
    folder = job.root / "processing/input/config"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(settings))


def poisoned(job: Job) -> np.ndarray:
    return load_truth(job.input("secret") / "truth").attack_of > 0


def kept(job: Job) -> np.ndarray:
    run(job)
    return open_screen(job.output("screen")).keep


def test_the_perfect_filter_takes_out_exactly_the_poisoned_rows(lay_out: Layout) -> None:
    job = lay_out("perfect")
    keep = kept(job)
    assert poisoned(job).sum() == 45 and np.array_equal(keep, ~poisoned(job))


def test_the_random_filter_takes_out_as_many_rows_wherever_they_are(lay_out: Layout) -> None:
    drawn = {seed: kept(lay_out("random", seed)) for seed in range(3)}
    truth = poisoned(lay_out("perfect"))
    assert {int((~keep).sum()) for keep in drawn.values()} == {int(truth.sum())}
    assert len({keep.tobytes() for keep in drawn.values()}) == 3, "another seed, other rows"
    assert all(not np.array_equal(keep, ~truth) for keep in drawn.values())


def test_the_random_filter_finds_poison_as_often_as_luck_does() -> None:
    """Over many seeds the share of poison among what it takes is that among all rows."""
    truth = np.arange(1000) < 100
    shares = [truth[taken_out(truth, "random", seed)].mean() for seed in range(200)]
    assert np.mean(shares) == pytest.approx(0.1, abs=0.01)
    rows = sum(taken_out(truth, "random", seed).astype(int) for seed in range(200))
    assert np.corrcoef(truth, rows)[0, 1] == pytest.approx(0, abs=0.1)


@pytest.mark.parametrize("control", ["random", "perfect"])
def test_of_a_clean_set_nothing_is_taken_out(lay_out: Layout, control: str) -> None:
    assert kept(lay_out(control, attacks=())).all()


@pytest.mark.parametrize("control", ["random", "perfect"])
def test_what_is_written_says_that_it_is_a_control(lay_out: Layout, control: str) -> None:
    job = lay_out(control)
    keep = kept(job)
    found = open_screen(job.output("screen"), len(keep))
    (entry,) = found.detectors
    assert entry.kind == entry.name == f"{control}_filter" and entry.kind in CONTROLS
    assert entry.threshold is None and entry.flagged == int((~keep).sum()) == int(found.flagged.sum())
    assert "no defense" in entry.notes["what it is"] and "control" in entry.title
    assert np.array_equal(found.scores[0] > 0, ~keep)
    (notice,) = notices_below(job.output("screen"))
    assert notice.kind == "warning" and "told which rows are poisoned" in notice.why
    parents = verify_folder(job.output("screen")).parents
    assert parents == {name: verify_folder(job.input(name)).digest for name in ("train", "secret")}


def test_the_step_runs_as_a_process_and_gives_the_same_bytes_again(lay_out: Layout) -> None:
    digests = []
    for name in ("once", "again"):
        job = lay_out("random", 3, name=name)
        done = subprocess.run(
            [sys.executable, "-X", "importtime", "-m", "processing.control"],
            cwd=ROOT,
            env=os.environ | {ROOT_ENV: str(job.root)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert f"random_filter: 45 of {ROWS + 30} rows taken out" in done.stdout
        assert "warning: random filter (control)" in done.stderr
        assert "| tensorflow" not in done.stderr and "| keras" not in done.stderr
        digests.append(digest_tree(job.output("screen")))
    assert digests[0] == digests[1]


def test_nothing_is_read_that_is_not_what_was_made(lay_out: Layout) -> None:
    job = lay_out()
    file = job.input("secret") / "truth" / "attack_of.npy"
    file.write_bytes(file.read_bytes()[:-1] + bytes([1 - file.read_bytes()[-1]]))
    with pytest.raises(IntegrityError, match=r"truth/attack_of\.npy has been changed"):
        run(job)
    assert not job.output("screen").exists()


def test_the_secret_of_another_training_set_is_refused(lay_out: Layout) -> None:
    job, other = lay_out(), lay_out(attacks=(FLIP,), name="other")
    shutil.rmtree(job.input("secret"))
    other.input("secret").rename(job.root / "processing/input/secret")
    with pytest.raises(IntegrityError, match="the secret is of another training set"):
        run(job)


def test_without_the_secret_the_step_says_what_it_lacks(lay_out: Layout) -> None:
    job = lay_out()
    job.input("secret").rename(job.root / "away")
    with pytest.raises(BadInput, match="input 'secret'"):
        run(job)
