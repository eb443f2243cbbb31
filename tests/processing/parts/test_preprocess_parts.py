"""Preprocess on several machines: real processes, and the bytes of one machine."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.machines import contents, machine, make_parts, merge, run_module, started
from PIL import Image

from boomerang.manifest import verify_folder
from boomerang.safeio import load_npy
from processing.parts import preprocess_parts
from processing.preprocess import preprocess

RNG = np.random.default_rng(0)


def write_pictures(folder: Path, count: int) -> None:
    """Write some pictures of several sizes, and a file that is none."""
    folder.mkdir(parents=True)
    for number in range(count):
        Image.fromarray(RNG.integers(0, 256, (20 + number, 30, 3), np.uint8)).save(folder / f"p-{number}.png")
    (folder / "p-1.jpeg").write_bytes(b"\xff\xd8\xff")


def write_config(inputs: Path, label: str, **data: Any) -> None:
    settings = {
        "seed": 3,
        "data": {"train": 20, "test": 20, "validation": 20, **data},
        "pictures": [{"name": "pets", "path": "p", "label": label}],
        "canaries": {"candidates_per_class": 2},
    }
    (inputs / "config").mkdir(parents=True)
    (inputs / "config" / "config.json").write_text(json.dumps(settings))
    write_pictures(inputs / "pictures" / "pets", 5)


def synthetic(inputs: Path) -> None:
    write_config(inputs, "bird", source="synthetic")


def folder(inputs: Path) -> None:
    write_config(inputs, "cat", source="folder", path="x", test=0)
    for name in ("cat", "dog"):
        write_pictures(inputs / "source" / name, 40)


def divided_folder(inputs: Path) -> None:
    write_config(inputs, "cat", source="folder", path="x", test=0)
    for name in ("train/cat", "train/dog", "test/cat", "test/dog"):
        write_pictures(inputs / "source" / name, 25)


def npz(inputs: Path) -> None:
    write_config(inputs, "1", source="npz", path="x")
    (inputs / "source").mkdir()
    arrays = {"x_train": (100, 12, 12), "x_test": (30, 12, 12)}
    images = {name: RNG.integers(0, 256, shape, np.uint8) for name, shape in arrays.items()}
    np.savez(inputs / "source" / "a.npz", **images, y_train=np.arange(100) % 2, y_test=np.arange(30) % 2)


@pytest.mark.parametrize("source", [synthetic, folder, divided_folder, npz])
def test_any_number_of_machines_gives_the_bytes_of_one(
    tmp_path: Path, source: Callable[[Path], None]
) -> None:
    source(tmp_path / "inputs")
    alone = contents(merge(tmp_path / "alone", tmp_path / "inputs", None, preprocess))
    assert {"train/x.npy", "heldout/test/x.npy", "heldout/canary/x.npy", "photos/pets/x.npy"} <= alone.keys()
    # Two machines and the step after them are processes of their own.
    processes = started("processing.parts.preprocess_parts"), started("processing.preprocess")
    here = preprocess_parts.run, preprocess
    for count, (share, join) in {1: here, 2: processes, 3: here}.items():
        parts = make_parts(tmp_path / f"of-{count}", tmp_path / "inputs", count, share)
        assert contents(merge(tmp_path / f"by-{count}", tmp_path / "inputs", parts, join)) == alone


def test_each_machine_draws_its_share_and_no_more(tmp_path: Path) -> None:
    synthetic(tmp_path / "inputs")
    parts = make_parts(tmp_path, tmp_path / "inputs", 3, started("processing.parts.preprocess_parts"))
    rows = {
        name: [len(load_npy(parts / f"{k}-of-3" / f"{name}.npy")) for k in (1, 2, 3)]
        for name in ("train", "test", "pictures-pets")
    }
    assert rows == {"train": [20, 20, 20], "test": [6, 7, 7], "pictures-pets": [1, 2, 2]}
    recipes = [verify_folder(parts / f"{k}-of-3").recipe for k in (1, 2, 3)]
    assert [recipe["items"]["pictures-pets"] for recipe in recipes] == [[0, 2], [2, 4], [4, 6]]


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda parts: shutil.rmtree(parts / "1-of-2"), "parts/1-of-2 missing"),
        (lambda parts: (parts / "2-of-2" / "test.npy").write_bytes(b""), "test.npy has been changed"),
    ],
)
def test_the_step_refuses_parts_that_are_not_whole(
    tmp_path: Path, spoil: Callable[[Path], None], words: str
) -> None:
    npz(tmp_path / "inputs")
    parts = make_parts(tmp_path, tmp_path / "inputs", 2, started("processing.parts.preprocess_parts"))
    spoil(parts)
    job = machine(tmp_path / "main", tmp_path / "inputs", 0, 1)
    (job.root / "processing/input/parts").symlink_to(parts)
    done = run_module(job, "processing.preprocess")
    assert done.returncode == 4 and words in done.stderr and "Traceback" not in done.stderr
    assert words in (job.root / "output" / "message").read_text()
    assert not (job.root / "processing/output").exists()


def test_a_wrong_setting_stops_the_machines_before_any_work(tmp_path: Path) -> None:
    npz(tmp_path / "inputs")
    config = tmp_path / "inputs/config/config.json"
    config.write_text(config.read_text().replace('"label": "1"', '"label": "7"'))
    job = machine(tmp_path / "machine", tmp_path / "inputs", 0, 2)
    done = run_module(job, "processing.parts.preprocess_parts")
    assert done.returncode == 2 and "label '7'" in done.stderr
    assert not list(job.output("parts").glob("*"))
