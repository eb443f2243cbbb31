"""A poisoned training set is made as it is written: the same bytes as ever, and a block of it at a time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.attack_pools import ALL_ROWS, CLASSES, add_kind, make_pool, spec
from helpers.poisoning import lay_out_large
from helpers.ranges import ROOT

from boomerang.contract import ROOT_ENV, Job
from boomerang.digest import sha256_bytes
from boomerang.errors import ConfigError
from boomerang.formats.truth import load_truth
from boomerang.manifest import opened, read_manifest, write_dataset
from processing import poisoned as made_here
from processing.attacks.common.recipe import create_recipe
from processing.poison import apply_recipe, run

MISLABEL: dict[str, Any] = {"kind": "mislabel", "pictures": "boomerang", "target": "bird", "repeat": 3}
FLIP: dict[str, Any] = {"kind": "label_flip_random", "rate": 0.2}
PATCH: dict[str, Any] = {"kind": "badnets", "target": "bird", "rate": 0.1, "image": "cyan"}
ADDED: dict[str, Any] = {
    **{"kind": "badnets", "source": "dog", "target": "cat"},
    **{"rate": 0.5, "of": "class", "mode": "add"},
}
INSERTED: dict[str, Any] = {
    **{"kind": "art_insert_image", "target": "bird", "rate": 0.2, "image": "half"},
    **{"left_px": 3, "top_px": 2, "mode": "add"},
}
KEEPS = '''
from typing import ClassVar, Literal

import numpy as np

from processing.attacks.common.base import Attack
from processing.attacks.common.pool import Batch


class Keeps(Attack):
    """An attack that needs all of its images at once, and keeps what it has learned."""

    title = "keeps"
    outcome = "targeted"
    example: ClassVar = {"target": "bird"}

    kind: Literal["keeps"] = "keeps"
    target: str

    def poison(self, pool, rng):
        rows = pool.free[pool.y[pool.free] == pool.label(self.target)][:30]
        noise = rng.integers(0, 9, pool.x.shape[1:], dtype=np.uint8)
        x = np.clip(pool.x[rows].astype(int) + noise, 0, 255).astype(np.uint8)
        return Batch(rows[:20], x, pool.y[rows], rows, pool.y[rows], {"noise": noise})
'''
RECIPES: dict[str, list[dict[str, Any]]] = {
    "clean": [],
    "several": [MISLABEL, PATCH, ADDED, FLIP],
    "art": [
        INSERTED,
        {"kind": "art_pattern", "target": "cat", "rate": 0.1},
        {"kind": "art_single_pixel", "target": "dog", "rate": 0.1, "value": 7},
    ],
    "soft": [PATCH | {"image": "half", "rate": 0.3, "patch_px": 7, "corner": "top-left", "margin_px": 2}],
    "moved": [
        {"kind": "label_flip_targeted", "source": "cat", "target": "dog", "rate": 0.5},
        FLIP,
        MISLABEL | {"repeat": 50},
    ],
    "kept": [{"kind": "keeps", "target": "bird"}, PATCH],
}
# Of each recipe on images of one and of three channels: the training set; and the truth's columns, what was
# kept and the audit's numbers. The order follows from the attacks' settings: a new setting renews them.
HELD: dict[tuple[str, int], tuple[str, str]] = {
    ("clean", 1): (
        "66f42ba445dc63bf7b77fe9fd3c7d4ffd2390629f7001951fc2395f78cf5f573",
        "55517140f89befa3274cb2807bee33b031dbfed1fcad9b3b6c74e70f206f4268",
    ),
    ("clean", 3): (
        "713bc307ea1f792699a7c70ada67f1dae3b6cef1d868884db1b2596bb3ff288b",
        "55517140f89befa3274cb2807bee33b031dbfed1fcad9b3b6c74e70f206f4268",
    ),
    ("several", 1): (
        "5a7989840433aad1344f2614bd0ae0a2df7cf36f4c514425a2ae1538d3f4af9d",
        "f85fb0e99d963f5984b2155223ef9524ff1be22447204ad7118433860c5be06b",
    ),
    ("several", 3): (
        "8c29914aabff586b162e70c972219908c8f3ab49e2df537a5f6e9623ba5a03c9",
        "91f5135fcf4e2077afa3f2e6d565129d80040b181a23a213863fd674532779f0",
    ),
    ("art", 1): (
        "082051b1fbe0a34ba033c825717ed1a92bf8dc70522a3a6c8782aae915729f05",
        "cbc2e9649b2be021727c5ed557a8dcca63397d69e5b29ca641b1f7b82ffbc6a2",
    ),
    ("art", 3): (
        "cf4d73089f3316457e8c887712692886841aa4a8f8a0b1d3cd6bfd17add37c19",
        "fd5e3837950e05f232eddf25615cbfdfa591beeb37861cebbfa7536ebca5e762",
    ),
    ("soft", 1): (
        "9728af7964cf3fc50346ee90a78afca64c7fd4c28a2fd2b3540559a6c4e4b669",
        "40c5ba0257513ec35ec288ba83d9d7a618cf7e7233cd46bc1fc0d7fb7d68cc34",
    ),
    ("soft", 3): (
        "902d440d6a172f099fe44b1854c4614d862c53bf7606cd44208412a43a0a2976",
        "91fbb52eb6a1db2cb861798f1002d532cb2f94e0996a7318e9dcc37693bf39bb",
    ),
    ("moved", 1): (
        "8888a6d351c506d4e02349efe98753bcbbd28e937655391850de5f27264fade7",
        "56edf8f0cfd340df0fedc8351c1af91ae9a76135f6916326443b234a95a5a798",
    ),
    ("moved", 3): (
        "5e9a8612680c3b415176bf953f43d1647ac629a6d5aebcf0b0933eac928c2a82",
        "56edf8f0cfd340df0fedc8351c1af91ae9a76135f6916326443b234a95a5a798",
    ),
    ("kept", 1): (
        "82ebeaf0a376408d09fbd2d5ad4bfa9ac30bee387a94cd377703093eb8a0ff59",
        "5d763bbee5ae1b1ae6a0cd4e9e653d3089cdf9e0b50a74b5a68d05c2a46a39fb",
    ),
    ("kept", 3): (
        "b3d841098eb594310daef36258760b56619f1f44b158b0a1cf6c1be34756cc12",
        "d6d5f7ffd8fcacaa920938958e3ec5a1c62b16d245822d38a3010cfd80355586",
    ),
}


def made(folder: Path, recipe: list[dict[str, Any]], channels: int) -> tuple[str, str]:
    pool, given_to = make_pool(channels=channels), folder / "processing" / "input"
    pictures = pool.pictures["boomerang"]
    shown = np.zeros(len(pictures), np.int64)
    write_dataset(given_to / "train", pool.x, pool.y, name="noise", classes=CLASSES)
    write_dataset(given_to / "photos" / "boomerang", pictures, shown, name="boomerang", classes=CLASSES)
    (given_to / "config").mkdir()
    (given_to / "config" / "config.json").write_text(json.dumps({"seed": 7, "attacks": recipe}))
    (given_to / "triggers").mkdir()
    for name, image in pool.images.items():
        _write_png(given_to / "triggers" / f"{name}.png", image)
    job = Job(folder)
    run(job)
    secret = job.output("secret")
    truth = load_truth(secret / "truth")
    numbers = [
        (entry["images_unchanged"], entry["median_largest_change"], entry["labels_true"], entry["warnings"])
        for entry in truth.audit["attacks"]
    ]
    arrays = [truth.attack_of, truth.y_true, truth.origin, opened(job.output("train")).y]
    arrays += [np.load(file) for file in sorted((secret / "trigger").glob("kept/*/*.npy"))]
    told = b"".join(array.tobytes() for array in arrays) + json.dumps(numbers).encode()
    return read_manifest(job.output("train")).digest, sha256_bytes(told)


def _write_png(path: Path, image: Any) -> None:
    from PIL import Image

    Image.fromarray(image).save(path)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", RECIPES)
def test_the_bytes_are_the_same_as_ever(
    name: str, channels: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_kind(monkeypatch, tmp_path, "keeps", KEEPS)
    assert made(tmp_path / "ml", RECIPES[name], channels) == HELD[name, channels]


def poison(x: Any, y: Any, *entries: dict[str, Any]) -> Any:
    pool = make_pool()
    return apply_recipe(
        x,
        y,
        CLASSES,
        create_recipe([spec(**entry) for entry in entries]),
        0,
        pictures=pool.pictures,
        picture_labels=pool.picture_labels,
        images=pool.images,
    )


def test_however_wide_the_stripes_the_images_are_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = make_pool()
    data = write_dataset(tmp_path / "x", pool.x, pool.y, name="noise", classes=CLASSES)
    whole = np.asarray(poison(pool.x, pool.y, *RECIPES["several"]).x)
    monkeypatch.setattr(made_here, "STRIPE_BYTES", 7 * pool.x[0].size)
    monkeypatch.setattr(made_here, "_GATHERED", 3)
    monkeypatch.setattr("processing.attacks.common.audit._BLOCK_BYTES", 5 * pool.x[0].size)
    poisoned = poison(data.x, data.y, *RECIPES["several"])
    out = np.zeros_like(whole)
    poisoned.write_images(out)
    assert np.array_equal(out, whole) and len(out) == ALL_ROWS + 6 + 25


def test_no_more_than_a_stripe_is_asked_of_an_attack_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(made_here, "STRIPE_BYTES", 7 * make_pool().x[0].size)
    pool, asked = make_pool(), []
    poisoned = poison(pool.x, pool.y, PATCH | {"rate": 0.5})
    clean, batch = poisoned.sources

    def make(rows: Any) -> Any:
        asked.append(len(rows))
        return batch[rows]

    counted = replace(poisoned, sources=(clean, replace(batch, make=make)))
    counted.write_images(np.zeros((ALL_ROWS, *pool.x.shape[1:]), np.uint8))
    assert sum(asked) == 100 and max(asked) <= 7


def test_a_trigger_that_cannot_be_seen_is_refused_by_name_before_anything_is_written() -> None:
    pool = make_pool()
    with pytest.raises(ConfigError, match=r"attack 'badnets-2': trigger: it leaves 20 of 20 images"):
        poison(pool.x, pool.y, PATCH, PATCH | {"image": "clear"})


MEASURED = """
import runpy, sys
sys.argv = ["processing.poison"]
runpy.run_module("processing.poison", run_name="__main__")
(line,) = [line for line in open("/proc/self/status") if line.startswith("VmHWM")]
print("peak", int(line.split()[1]) // 1024)
"""


@pytest.mark.whole
@pytest.mark.parametrize("rate", [0.01, 0.9])
def test_memory_does_not_grow_with_the_training_set(rate: float, tmp_path: Path) -> None:
    """Of 600 MB of images; the first block of them is 128 MB."""
    rows = 200_000
    lay_out_large(tmp_path, rows, [{"kind": "badnets", "target": "a", "rate": rate}])
    done = subprocess.run(
        [sys.executable, "-c", MEASURED],
        cwd=ROOT,
        env=os.environ | {ROOT_ENV: str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    peak_mb = int(done.stdout.split()[-1])
    assert peak_mb < 500, f"{peak_mb} MB for 614 MB of images"
    assert np.count_nonzero(load_truth(tmp_path / "processing/output/secret/truth").attack_of) == rate * rows
