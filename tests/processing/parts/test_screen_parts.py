"""The feature pass of Screen on several machines, and the bytes of one."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from helpers.machines import contents, machine, make_parts, merge, run_module, started
from helpers.suspects import CLASSES, noise_images

from boomerang.errors import IntegrityError
from boomerang.formats.screen import Screened
from boomerang.manifest import write_dataset
from boomerang.safeio import load_npy
from processing import screen
from processing.defenses.common.base import Suspect
from processing.parts import screen_parts
from processing.sharing.asking import BATCH
from training.architectures.small import Small
from training.model import save_model

ROWS = 2 * BATCH + 200  # three batches, the last one shorter
ALL = ("data_validation", "activation_clustering", "spectral_signatures")


def write_config(inputs: Path, detectors: tuple[str, ...]) -> None:
    (inputs / "config").mkdir(parents=True, exist_ok=True)
    config = {"seed": 3, "detectors": [{"kind": kind} for kind in detectors]}
    (inputs / "config" / "config.json").write_text(json.dumps(config))


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    """Noise, a trusted set, and an untrained model with convolutions."""
    from keras.utils import set_random_seed

    folder, rng = tmp_path / "inputs", np.random.default_rng(0)
    for name, rows in (("train", ROWS), ("trusted", 220)):
        y = np.arange(rows) % len(CLASSES)
        write_dataset(folder / name, noise_images(rng, rows), y, name="noise", classes=CLASSES)
    write_config(folder, ALL)
    set_random_seed(0)
    card = {"architecture": "small", "classes": CLASSES, "input_shape": (8, 8, 3), "seed": 0}
    model = Small().build((8, 8, 3), len(CLASSES))
    save_model(model, folder / "model", **card, parents={"train": "0" * 64}, rows=ROWS, history={})
    return folder


@pytest.mark.whole
def test_any_number_of_machines_gives_the_bytes_of_one(tmp_path: Path, inputs: Path) -> None:
    """One of the two machines is a process of its own; the numbers are those of this one."""
    alone = contents(merge(tmp_path / "alone", inputs, None, screen.run))
    assert {"screen/keep.npy", "screen/scores.npy", "screen/manifest.json"} <= alone.keys()
    two = make_parts(tmp_path / "two", inputs, 2, screen_parts.run, started("processing.parts.screen_parts"))
    assert contents(merge(tmp_path / "of-two", inputs, two, screen.run)) == alone
    for count in (1, 5):
        parts = make_parts(tmp_path / f"{count}", inputs, count, screen_parts.run)
        assert contents(merge(tmp_path / f"of-{count}", inputs, parts, screen.run)) == alone


def test_the_shares_are_cut_where_the_batches_are(tmp_path: Path, inputs: Path) -> None:
    parts = make_parts(tmp_path, inputs, 2, screen_parts.run)
    rows = [len(load_npy(parts / f"{k}-of-2" / "features.npy")) for k in (1, 2)]
    assert rows == [BATCH, BATCH + 200]


def test_the_step_asks_the_victim_about_the_trusted_rows_alone(
    tmp_path: Path, inputs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = make_parts(tmp_path, inputs, 2, screen_parts.run)
    asked = []

    def look(suspect: Suspect, _: object) -> Screened:
        asked.append((len(suspect.features), len(suspect.trusted_features)))
        nothing = np.zeros((0, ROWS))
        return Screened(np.ones(ROWS, bool), nothing, nothing > 0)

    class View:
        card, digest = None, "0" * 64

        def __init__(self, folder: Path, shape: tuple[int, ...]) -> None:
            assert shape == (8, 8, 3)

        def embed(self, x: np.ndarray) -> np.ndarray:
            assert len(x) == 220, "the parts have the features of the suspect rows"
            return np.zeros((220, 96), np.float32)

    monkeypatch.setattr(screen, "screen", look)
    monkeypatch.setattr(screen, "ModelView", View)
    merge(tmp_path / "main", inputs, parts, screen.run)
    assert asked == [(ROWS, 220)]


def test_without_detectors_there_is_nothing_to_share(tmp_path: Path, inputs: Path) -> None:
    write_config(inputs, ())
    parts = make_parts(tmp_path, inputs, 2, screen_parts.run)
    assert [p.name for p in parts.rglob("*.npy")] == []
    alone = contents(merge(tmp_path / "alone", inputs, None, screen.run))
    assert contents(merge(tmp_path / "main", inputs, parts, screen.run)) == alone


def test_features_of_another_victim_are_refused(tmp_path: Path, inputs: Path) -> None:
    parts = make_parts(tmp_path, inputs, 2, screen_parts.run)
    with (inputs / "model" / "model.json").open("a") as card:
        card.write("\n")
    with pytest.raises(IntegrityError, match=r"parts/1-of-2 .*\n?.*input model"):
        merge(tmp_path / "main", inputs, parts, screen.run)


def test_a_changed_training_set_stops_a_machine(tmp_path: Path, inputs: Path) -> None:
    file = inputs / "train" / "x.npy"
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    job = machine(tmp_path / "machine", inputs, 0, 2)
    assert run_module(job, "processing.parts.screen_parts").returncode == 4
    assert not list(job.output("parts").glob("*"))


def flip(path: Path, at: int = -1) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("name", "damage", "why"),
    [
        ("train", lambda f: flip(f / "x.npy"), "x.npy has been changed"),
        ("train", lambda f: flip(f / "y.npy"), "y.npy has been changed"),
        ("train", lambda f: flip(f / "manifest.json", 40), "manifest.json"),
        ("trusted", lambda f: (f / "y.npy").unlink(), "y.npy is missing"),
        ("trusted", lambda f: (f / "z.npy").write_bytes(b"z"), "z.npy is not in the manifest"),
        ("model", lambda f: flip(f / "model.keras"), "model.keras is not the file"),
    ],
)
def test_what_is_not_as_it_was_made_stops_it_by_name(
    tmp_path: Path, inputs: Path, name: str, damage: Callable[[Path], None], why: str
) -> None:
    """With 4, where it runs as a step."""
    damage(inputs / name)
    with pytest.raises(IntegrityError, match=re.escape(why)) as caught:
        merge(tmp_path / "main", inputs, None, screen.run)
    assert caught.value.exit_code == 4
