"""The trigger folder: what Evaluate reads back is the recipe that was staged."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from helpers.attack_pools import make_pool, spec
from PIL import Image

from boomerang.errors import IntegrityError
from boomerang.manifest import Manifest, commit
from processing.attacks.common.recipe import create_recipe
from processing.attacks.common.trigger import TRIGGER_FILE, load_trigger, write_trigger

RECIPE = create_recipe(
    [
        spec("mislabel", pictures="boomerang", target="bird"),
        spec("badnets", name="corner", image="half", source="dog", target="bird", rate=0.1, patch_px=6),
        spec("badnets", color="#00ffff", target="cat", rate=0.1, mode="add"),
        spec("art_insert_image", image="cyan", target="cat", rate=0.1, left_px=2),
        spec("label_flip_random", rate=0.1),
    ]
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "triggers").mkdir()
    for name, image in make_pool().images.items():
        Image.fromarray(image).save(tmp_path / "triggers" / f"{name}.png")
    path = tmp_path / "trigger"
    write_trigger(path, RECIPE, tmp_path / "triggers", Manifest(name="noise", kind="trigger"))
    return path


def test_what_is_loaded_is_what_was_written(folder: Path) -> None:
    triggers = load_trigger(folder)
    assert tuple(trigger.attack for trigger in triggers) == RECIPE
    assert [t.name for t in triggers] == [
        "mislabel",
        "corner",
        "badnets",
        "art_insert_image",
        "label_flip_random",
    ]
    assert [t.kind for t in triggers] == [
        "mislabel",
        "badnets",
        "badnets",
        "art_insert_image",
        "label_flip_random",
    ]
    assert [t.outcome for t in triggers] == ["targeted", "backdoor", "backdoor", "backdoor", "untargeted"]
    assert [t.source for t in triggers] == [None, "dog", None, None, None]
    assert [t.target for t in triggers] == ["bird", "bird", "cat", "cat", None]
    assert [t.pictures for t in triggers] == [("boomerang",), (), (), (), ()]


def test_a_loaded_trigger_stamps_as_the_attack_did(folder: Path) -> None:
    pool = make_pool()
    for trigger, attack in zip(load_trigger(folder), RECIPE, strict=True):
        if trigger.outcome == "backdoor":
            assert np.array_equal(trigger.stamp(pool.x), attack.stamp(pool.x, pool.images))
        else:
            with pytest.raises(TypeError, match="has no trigger"):
                trigger.stamp(pool.x)


def test_only_the_images_in_use_are_taken_along(folder: Path) -> None:
    assert sorted(p.name for p in folder.iterdir()) == ["cyan.png", "half.png", "manifest.json", TRIGGER_FILE]
    assert (folder / "cyan.png").read_bytes() == (folder.parent / "triggers" / "cyan.png").read_bytes()


def test_a_clean_control_has_no_trigger(tmp_path: Path) -> None:
    write_trigger(tmp_path / "trigger", (), None, Manifest(name="noise", kind="trigger"))
    assert load_trigger(tmp_path / "trigger") == ()


def test_a_trigger_that_was_tampered_with_is_refused(folder: Path) -> None:
    Image.new("RGBA", (8, 8)).save(folder / "cyan.png")
    with pytest.raises(IntegrityError, match=r"cyan\.png has been changed"):
        load_trigger(folder)


def test_a_later_format_is_refused(folder: Path) -> None:
    (folder / TRIGGER_FILE).write_text(json.dumps({"format": 2, "attacks": []}))
    commit(folder, Manifest(name="noise", kind="trigger"))
    with pytest.raises(IntegrityError, match="its format is not 1"):
        load_trigger(folder)


def test_what_an_attack_kept_comes_back_to_it_alone(tmp_path: Path) -> None:
    kept = {"pattern": np.linspace(-1, 1, 12, dtype=np.float32).reshape(2, 2, 3), "row": np.array([7])}
    manifest = Manifest(name="noise", kind="trigger")
    write_trigger(tmp_path / "trigger", RECIPE[:2], None, manifest, [{}, kept])
    none, some = load_trigger(tmp_path / "trigger")
    assert none.kept == {} and some.kept.keys() == kept.keys()
    assert all(np.array_equal(some.kept[name], kept[name]) for name in kept)
    assert some.props.keys() == {"pattern", "row"}
