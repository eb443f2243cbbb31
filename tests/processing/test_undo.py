"""A recipe is undone: the clean training set comes back, digest for digest, from what Poison left alone."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.attack_pools import add_kind, make_pool, toy_surrogate
from helpers.poisoning import lay_out_large, poisoned_by
from helpers.ranges import ROOT

from boomerang.contract import Job
from boomerang.errors import BadInput, IntegrityError
from boomerang.formats.truth import TRUTH, load_truth
from boomerang.manifest import Manifest, commit, opened, read_manifest
from processing import poisoned as made_here
from processing.attacks import ATTACKS
from processing.poison import run
from processing.undo import undo

# A label flip leaves images as they are, a trigger changes them, pictures are appended.
THREE: list[dict[str, Any]] = [
    {"kind": "label_flip_random", "rate": 0.2},
    {"kind": "badnets", "target": "bird", "rate": 0.1, "image": "cyan"},
    {"kind": "mislabel", "pictures": "boomerang", "target": "bird", "repeat": 3},
]
# It takes rows' places with images made from other rows and from outside, and its labels follow no rule.
SWAPS = '''
from typing import ClassVar, Literal

import numpy as np

from processing.attacks.common.base import Attack
from processing.attacks.common.pool import Batch


class Swaps(Attack):
    """Rows replaced by images of other rows, by themselves and by noise."""

    title = "swaps"
    outcome = "untargeted"
    example: ClassVar = {}

    kind: Literal["swaps"] = "swaps"

    def poison(self, pool, rng):
        rows = rng.permutation(pool.free)[:40]
        origin = np.concatenate([rows[:20], rows[20:30][::-1], np.full(20, -1)])
        x = pool.x[np.where(origin < 0, 0, origin)]
        x[30:] = rng.integers(0, 256, x[30:].shape)
        x[5:20, 0, 0] ^= 255
        return Batch(rows, x, rng.integers(0, 4, 50), origin, np.where(origin < 0, 1, pool.y[origin]))
'''


@pytest.fixture(scope="module")
def surrogate(tmp_path_factory: pytest.TempPathFactory) -> Path | None:
    """The folder of a model for the attacks that need one, if any does."""
    if not any("surrogate" in attack.needs for attack in ATTACKS.values()):
        return None
    folder = tmp_path_factory.mktemp("surrogate")
    toy_surrogate(folder)
    return folder


@pytest.fixture
def done(tmp_path: Path) -> Job:
    return poisoned_by(tmp_path / "ml", make_pool(), THREE)


def outputs(job: Job) -> tuple[Path, Path]:
    return job.output("train"), job.output("secret")


def hide_clean(job: Job) -> str:
    """Take the clean training set away; return its digest."""
    digest = read_manifest(job.input("train")).digest
    shutil.rmtree(job.input("train"))
    return digest


@pytest.mark.parametrize("kind", ATTACKS)
def test_every_attack_is_undone(kind: str, tmp_path: Path, surrogate: Path | None) -> None:
    recipe = [{"kind": kind, **ATTACKS[kind].example}]
    job = poisoned_by(tmp_path / "ml", make_pool(), recipe, surrogate)
    assert read_manifest(job.output("train")).files != read_manifest(job.input("train")).files
    digest = hide_clean(job)
    assert undo(*outputs(job), tmp_path / "clean").digest == digest
    assert opened(tmp_path / "clean", digest).manifest.name == "noise"


def test_a_recipe_of_three_is_undone_and_nothing_else_is_asked_for(done: Job, tmp_path: Path) -> None:
    digest = hide_clean(done)
    shutil.rmtree(done.root / "processing" / "input")
    undo(*outputs(done), tmp_path / "clean")
    assert opened(tmp_path / "clean").manifest.digest == digest
    pool = make_pool()
    assert np.array_equal(opened(tmp_path / "clean").x, pool.x)
    assert np.array_equal(opened(tmp_path / "clean").y, pool.y)


@pytest.mark.parametrize("supplier", ["", "b"])
def test_who_delivered_the_rows_is_undone_too(supplier: str, tmp_path: Path) -> None:
    recipe = [{**attack, "supplier": supplier, "rate": 0.05} for attack in THREE[:2]] + THREE[2:]
    job = poisoned_by(tmp_path / "ml", make_pool(), recipe, suppliers=("a", "b"))
    digest = hide_clean(job)
    assert undo(*outputs(job), tmp_path / "clean").digest == digest


def test_only_images_that_were_changed_are_kept(done: Job) -> None:
    """20 of BadNets; the 40 of the label flip are in the poisoned set, and appended ones had none before."""
    truth = load_truth(done.output("secret") / TRUTH)
    kept = np.load(done.output("secret") / TRUTH / "overwritten" / "x.npy")
    assert len(kept) == 20 and len(truth.replaced) == 60
    assert truth.audit["overwritten"] == {"images": 20, "bytes": kept.nbytes}


def test_rows_that_took_the_place_of_others_are_undone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_kind(monkeypatch, tmp_path, "swaps", SWAPS)
    monkeypatch.setattr(made_here, "STRIPE_BYTES", 7 * make_pool().x[0].size)
    job = poisoned_by(tmp_path / "ml", make_pool(), [{"kind": "swaps"}, *THREE])
    (entry, *_) = load_truth(job.output("secret") / TRUTH).audit["attacks"]
    assert (entry["replaced"], entry["appended"], entry["images_made_from_rows"]) == (40, 10, 30)
    assert undo(*outputs(job), tmp_path / "clean").digest == hide_clean(job)


def test_a_clean_control_is_given_back(tmp_path: Path) -> None:
    job = poisoned_by(tmp_path / "ml", make_pool(), [])
    assert undo(*outputs(job), tmp_path / "clean").digest == hide_clean(job)


MEASURED = """
import sys
from pathlib import Path
from processing.undo import undo
undo(*map(Path, sys.argv[1:]))
(line,) = [line for line in open("/proc/self/status") if line.startswith("VmHWM")]
print("peak", int(line.split()[1]) // 1024)
"""


@pytest.mark.whole
def test_memory_does_not_grow_with_the_training_set(tmp_path: Path) -> None:
    """Of 600 MB of images nine tenths are in the secret; a stripe of them is 128 MB."""
    rows = 200_000
    lay_out_large(tmp_path, rows, [{"kind": "badnets", "target": "a", "rate": 0.9}])
    job = Job(tmp_path)
    run(job)
    digest = hide_clean(job)
    command = [sys.executable, "-c", MEASURED, *map(str, outputs(job)), str(tmp_path / "clean")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert read_manifest(tmp_path / "clean").digest == digest
    peak_mb = int(done.stdout.split()[-1])
    assert peak_mb < 400, f"{peak_mb} MB for 614 MB of images"


# --- what is refused --------------------------------------------------------------------------------


def test_a_folder_that_is_there_is_not_touched(done: Job, tmp_path: Path) -> None:
    (tmp_path / "clean").mkdir()
    with pytest.raises(BadInput, match="it is there already"):
        undo(*outputs(done), tmp_path / "clean")
    assert list((tmp_path / "clean").iterdir()) == []


@pytest.mark.parametrize(
    "file", ["train/x.npy", "secret/truth/overwritten/x.npy", "secret/truth/stands_for.npy"]
)
def test_a_file_that_was_changed_is_named(done: Job, tmp_path: Path, file: str) -> None:
    path = done.output("train").parent / file
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(IntegrityError, match=rf"{path.name} has been changed"):
        undo(*outputs(done), tmp_path / "clean")
    assert not (tmp_path / "clean").exists()


def test_the_secret_of_another_run_is_refused(done: Job, tmp_path: Path) -> None:
    other = poisoned_by(tmp_path / "other", make_pool(seed=1), THREE)
    with pytest.raises(IntegrityError, match="the secret is of another training set"):
        undo(done.output("train"), other.output("secret"), tmp_path / "clean")


@pytest.mark.parametrize(
    ("name", "column"),
    [("stands_for", [0, 0]), ("overwritten/replaced", [0, 1]), ("overwritten/changed", [0])],
)
def test_a_secret_whose_parts_do_not_fit_is_refused(
    done: Job, tmp_path: Path, name: str, column: list[int]
) -> None:
    truth = done.output("secret") / TRUTH
    whole = np.load(truth / f"{name}.npy")
    whole[: len(column)] = column
    np.save(truth / f"{name}.npy", whole)
    recommit(truth)
    recommit(done.output("secret"))
    with pytest.raises(IntegrityError, match="fit"):
        undo(*outputs(done), tmp_path / "clean")
    assert not (tmp_path / "clean").exists()


def test_what_is_not_the_clean_set_is_not_left(done: Job, tmp_path: Path) -> None:
    truth = done.output("secret") / TRUTH
    kept = np.load(truth / "overwritten" / "x.npy")
    np.save(truth / "overwritten" / "x.npy", 255 - kept)
    recommit(truth)
    recommit(done.output("secret"))
    with pytest.raises(IntegrityError, match="what was undone is not the clean training set"):
        undo(*outputs(done), tmp_path / "clean")
    assert not (tmp_path / "clean").exists()


def recommit(folder: Path) -> Manifest:
    """Commit a folder again as it is now, as somebody who covers his tracks would."""
    return commit(folder, read_manifest(folder))
