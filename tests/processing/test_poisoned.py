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
# kept and the audit's numbers. As they were when all of it was made in memory.
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
        "f1b4e7ca39e9c58b2244b39ab1d605c120e5df5a65ad4edb2a0a06568c7e984c",
        "04591648cdd8712b5dd530164adb629d7d785b7d2217dbac2f31fa3419f7caa8",
    ),
    ("several", 3): (
        "576d6444ff94774b520bbe1b645c41c2b559af2b9aa2eef7800663f90bc664cc",
        "e13f339133786cbc2c7a3344f3b8807679b2a6241275751468f4b4a14fe24126",
    ),
    ("art", 1): (
        "6ebf5d1f70f1023f7db62d6f1e4b199f4098e7a181b27615b6277853d115976d",
        "dcd811792efedab6afd61d38126fca2eb06646c715313165913323ecf16f7186",
    ),
    ("art", 3): (
        "615488bda3e27dc658a96710b60b1f7bb0f9858ba4ad7c1f750ceb8125f897d3",
        "7a6b5a0e93c3c12fb7196f77b4979c225a551023317e5a6eaa3f4a76a15b56ed",
    ),
    ("soft", 1): (
        "be731c340d729051247e19a76edfbaf0b653bb5306434d36f495e1e4a42a1099",
        "cbe27dae9eba4a8dba40e2b4095b779afff1825bc16af0b7598b7487d4d6f858",
    ),
    ("soft", 3): (
        "af7ab9975504f5614b7575f8cdeafac4eebf56080e0c4d30ff5a31c1665bc2fa",
        "4bcc0c9b141022ab5241b0c18f4cc4129bafe6f9f2cdafbdb54c7121c2474159",
    ),
    ("moved", 1): (
        "540805c0a466318a1eddee7ec884333005916667128fd57046d80a7cda3a16f7",
        "d912214ce57087909dfa88365e225ca6ee740e64a3429a9735d80cf3cf1e3537",
    ),
    ("moved", 3): (
        "812bd7217bcaad5d5f94e2a0fef5450a6b451156f4ec4aadb4253deed2fb0d01",
        "d912214ce57087909dfa88365e225ca6ee740e64a3429a9735d80cf3cf1e3537",
    ),
    ("kept", 1): (
        "3c1438a204fe18c64fb546b887db255fcc6434109473bebe7e989f4754b91210",
        "0bb35903aacc79dd29c7ecfe69da823b13f01b89ac38c1695e999e0c2bd7600c",
    ),
    ("kept", 3): (
        "e0d853b7cacb28624db9279f0c77df3839c7ebaa58342eb711d3897372d59a22",
        "a2dac59304354baa8e77def8da104db8b6e0ba00cdedac58988e24501ac97007",
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
def test_the_bytes_are_those_that_were_made_in_memory(
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
