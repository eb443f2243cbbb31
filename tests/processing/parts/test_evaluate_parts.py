"""The predictions of Evaluate on several machines, and the bytes of one."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from helpers.machines import contents, make_parts, merge, started
from helpers.suspects import CLASSES, noise_images

from boomerang.contract import Job
from boomerang.errors import IntegrityError
from boomerang.formats.probes import recipe_of
from boomerang.gate import GateConfig
from boomerang.manifest import opened, verify_folder, write_dataset
from boomerang.metrics import Metrics
from boomerang.safeio import load_json, load_npy
from boomerang.scoring import share
from processing import poison, screen
from processing.evaluate import evaluate
from processing.parts import evaluate_parts
from processing.sharing.asking import BATCH
from training.architectures import ARCHITECTURES
from training.model import classifier, load_model, save_model

TEST = 2 * BATCH + 100
ATTACKS = [
    {"kind": "badnets", "name": "corner", "target": "bird", "rate": 0.05, "patch_px": 2},
    {"kind": "mislabel", "name": "swap", "pictures": "pets", "target": "bird"},
    {"kind": "label_flip_random", "name": "noise", "rate": 0.02},
]


def noise(folder: Path, rows: int, seed: int, label: int | None = None, **manifest: object) -> None:
    y = np.arange(rows) % len(CLASSES) if label is None else np.full(rows, label)
    x = noise_images(np.random.default_rng(seed), rows)
    write_dataset(folder, x, y, name="noise", classes=CLASSES, **manifest)  # type: ignore[arg-type]  # plain values


def config(folder: Path, **settings: object) -> None:
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps({"seed": 3, **settings}))


def model(folder: Path, seed: int) -> None:
    from keras.utils import set_random_seed

    set_random_seed(seed)
    card = {"architecture": "small", "classes": CLASSES, "input_shape": (8, 8, 3), "seed": seed}
    made = ARCHITECTURES["small"]().build((8, 8, 3), len(CLASSES))
    save_model(made, folder, **card, parents={"train": "0" * 64}, rows=400, history={})


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All inputs of Evaluate: noise that Poison and Screen have worked on, and two untrained models."""
    root = tmp_path_factory.mktemp("evaluate")
    inputs = root / "inputs"
    noise(inputs / "heldout" / "test", TEST, 1)
    noise(inputs / "heldout" / "canary", 40, 2)
    noise(inputs / "photos" / "pets", 7, 3, 2, recipe={"files": [f"{k}.png" for k in range(7)]})
    poisoning = root / "poison" / "processing" / "input"
    noise(poisoning / "train", 400, 4)
    shutil.copytree(inputs / "photos", poisoning / "photos")
    config(poisoning / "config", attacks=ATTACKS)
    poison.run(Job(root / "poison"))
    for name in ("train", "secret"):
        shutil.copytree(root / "poison/processing/output" / name, inputs / name)
    screening = root / "screen" / "processing" / "input"
    shutil.copytree(inputs / "train", screening / "train")
    noise(screening / "trusted", 60, 5)
    (screening / "model").mkdir()
    config(screening / "config", detectors=[{"kind": "data_validation"}])
    screen.run(Job(root / "screen"))
    shutil.copytree(root / "screen/processing/output/screen", inputs / "screen")
    for seed, name in enumerate(("baseline", "victim")):
        model(inputs / name, seed)
    config(inputs / "config", canaries={"margin": 0.0, "per_class": 2})
    return inputs


@pytest.fixture
def inputs(tmp_path: Path, made: Path) -> Path:
    """A copy that a test may change."""
    return Path(shutil.copytree(made, tmp_path / "inputs"))


def limited(job: Job) -> None:
    evaluate(job, GateConfig())


def test_any_number_of_machines_gives_the_bytes_of_one(tmp_path: Path, made: Path) -> None:
    """One of the two machines is a process of its own; the numbers are those of this one."""
    alone = contents(merge(tmp_path / "alone", made, None, limited))
    assert {"evaluation/metrics.json", "evaluation/gallery.json", "evaluation/manifest.json"} <= alone.keys()
    frozen = {f"evaluation/probes/{name}/x.npy" for name in ("corner", "swap")}
    assert {name for name in alone if name.startswith("evaluation/probes") and "x.npy" in name} == frozen
    two = make_parts(
        tmp_path / "two", made, 2, evaluate_parts.run, started("processing.parts.evaluate_parts")
    )
    assert contents(merge(tmp_path / "of-two", made, two, limited)) == alone
    four = make_parts(tmp_path / "four", made, 4, evaluate_parts.run)
    assert contents(merge(tmp_path / "of-four", made, four, limited)) == alone


def test_the_numbers_are_those_of_the_predictions_in_the_parts(tmp_path: Path, inputs: Path) -> None:
    """Were the parts not read, zeros in them would change nothing."""
    parts = make_parts(tmp_path, inputs, 2, evaluate_parts.run)
    names = {path.stem for path in parts.rglob("*.npy")}
    sets = {"test", "attack-1", "attack-1-plain", "attack-2"}
    assert names == {f"{model}-{name}" for model in ("baseline", "victim") for name in sets}
    y = np.arange(TEST) % len(CLASSES)
    out = merge(tmp_path / "main", inputs, parts, limited)
    numbers = load_json(out / "evaluation" / "metrics.json")["models"]["victim"]
    rows = np.concatenate([load_npy(parts / f"{k}-of-2" / "victim-test.npy") for k in (1, 2)])
    assert numbers["clean_accuracy"]["successes"] == int((rows.argmax(1) == y).sum())
    stamped = np.concatenate([load_npy(parts / f"{k}-of-2" / "victim-attack-1.npy") for k in (1, 2)])
    asr = numbers["attacks"][0]["asr"]
    assert (asr["successes"], asr["total"]) == (int((stamped.argmax(1) == 1).sum()), int((y != 1).sum()))


def test_the_rates_on_the_probes_are_those_of_the_frozen_images(tmp_path: Path, made: Path) -> None:
    """Asked once more from the folder, as a canary does; only where there are fewer is there a rate."""
    out = merge(tmp_path, made, None, limited) / "evaluation"
    metrics = Metrics.model_validate(load_json(out / "metrics.json"))
    assert {name: (each.records, each.of) for name, each in metrics.probes.sets.items()} == {
        "corner": (256, TEST - TEST // len(CLASSES)),
        "swap": (7, 7),
    }
    for name, known in metrics.probes.sets.items():
        assert verify_folder(out / "probes" / name).digest == known.digest
    corner = opened(out / "probes" / "corner")
    target = corner.classes.index(recipe_of(corner.manifest).target)
    for name in ("baseline", "victim"):
        ask = classifier(load_model(made / name)[0])
        numbers = {attack.name: attack for attack in metrics.models[name].attacks}
        assert numbers["corner"].probe_asr == share(ask(np.asarray(corner.x)).argmax(1) == target)
        assert numbers["swap"].probe_asr is None and numbers["noise"].probe_asr is None


def test_the_large_sets_are_asked_about_once(
    tmp_path: Path, made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a machine alone, too: the baseline's answers to an attack are used twice."""
    asked: list[int] = []

    def counted(built: object) -> Callable[[np.ndarray], np.ndarray]:
        def ask(x: np.ndarray) -> np.ndarray:
            asked.append(len(x))
            return np.ones((len(x), len(CLASSES)), np.float32) * np.arange(len(CLASSES))

        return ask

    monkeypatch.setattr("processing.evaluation.case.classifier", counted)
    merge(tmp_path / "alone", made, None, limited)
    triggered = TEST - TEST // len(CLASSES)
    assert sorted(n for n in asked if n > 100) == [triggered] * 4 + [TEST] * 2


def another_test_set(inputs: Path) -> None:
    shutil.rmtree(inputs / "heldout/test")
    noise(inputs / "heldout" / "test", TEST, 9)


def another_victim(inputs: Path) -> None:
    shutil.rmtree(inputs / "victim")
    model(inputs / "victim", 9)


def a_hardened_model(inputs: Path) -> None:
    shutil.copytree(inputs / "victim", inputs / "hardened")


@pytest.mark.parametrize(
    ("change", "name"),
    [(another_test_set, "heldout"), (another_victim, "victim"), (a_hardened_model, "hardened")],
)
def test_predictions_of_another_case_are_refused(
    tmp_path: Path, inputs: Path, change: Callable[[Path], None], name: str
) -> None:
    parts = make_parts(tmp_path, inputs, 2, evaluate_parts.run)
    change(inputs)
    with pytest.raises(IntegrityError, match=rf"parts/1-of-2 .*\n?.*input {name}"):
        merge(tmp_path / "main", inputs, parts, limited)


# An input, what is done to it, and what the error names.
DAMAGE: dict[str, tuple[str, Callable[[Path], object], str]] = {
    "changed images": ("heldout/test", lambda f: flip(f / "x.npy"), "x.npy has been changed"),
    "changed labels": ("heldout/canary", lambda f: flip(f / "y.npy"), "y.npy has been changed"),
    "another manifest": ("train", lambda f: flip(f / "manifest.json", 40), "manifest.json"),
    "a missing file": ("photos/pets", lambda f: (f / "y.npy").unlink(), "y.npy is missing"),
    "a file more": ("train", lambda f: (f / "z.npy").write_bytes(b"z"), "z.npy is not in the manifest"),
    "a changed truth": ("secret", lambda f: flip(f / "truth/y_true.npy"), "y_true.npy has been changed"),
    "a changed screen": ("screen", lambda f: flip(f / "keep.npy"), "keep.npy has been changed"),
    "a changed model": ("victim", lambda f: flip(f / "model.keras"), "model.keras is not the file"),
}


def flip(path: Path, at: int = -1) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("case", DAMAGE)
def test_what_is_not_as_it_was_made_stops_it_by_name(tmp_path: Path, inputs: Path, case: str) -> None:
    """With 4, where it runs as a step."""
    name, damage, why = DAMAGE[case]
    damage(inputs / name)
    with pytest.raises(IntegrityError, match=re.escape(why)) as caught:
        merge(tmp_path / "main", inputs, None, limited)
    assert caught.value.exit_code == 4
