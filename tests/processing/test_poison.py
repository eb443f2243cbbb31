"""Poison: the recipe as a pure function, and the step as a real process on a tree of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from operator import attrgetter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.attack_pools import ALL_ROWS, CLASSES, add_kind, held_out, make_pool, spec, toy_surrogate
from helpers.ranges import ROOT
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from boomerang.contract import ROOT_ENV, Job
from boomerang.digest import digest_tree
from boomerang.errors import BadInput, ConfigError
from boomerang.formats.notices import notices_below
from boomerang.formats.truth import load_truth
from boomerang.manifest import opened, read_manifest, verify_folder, write_dataset
from processing.attacks import ATTACKS
from processing.attacks.common.pool import Batch, Pool
from processing.attacks.common.recipe import create_recipe
from processing.attacks.common.trigger import load_trigger
from processing.poison import Poisoned, apply_recipe, load_photos, run

MISLABEL: dict[str, Any] = {"kind": "mislabel", "pictures": "boomerang", "target": "bird", "repeat": 3}
REPLACE: dict[str, Any] = {"kind": "badnets", "target": "bird", "rate": 0.1, "image": "cyan"}
ADD: dict[str, Any] = {
    "kind": "badnets",
    "source": "dog",
    "target": "cat",
    "rate": 0.5,
    "of": "class",
    "mode": "add",
}
FLIP: dict[str, Any] = {"kind": "label_flip_random", "rate": 0.2}
RECIPE = [MISLABEL, REPLACE, ADD, FLIP]


def poison(recipe: list[dict[str, Any]], seed: int = 0, size_px: int = 16) -> Poisoned:
    pool = make_pool(size_px=size_px)
    return apply_recipe(
        pool.x,
        pool.y,
        pool.classes,
        create_recipe([spec(**entry) for entry in recipe]),
        seed,
        pictures=pool.pictures,
        picture_labels=pool.picture_labels,
        images=pool.images,
    )


def origins(poisoned: Poisoned, attack: int) -> list[int]:
    return sorted(poisoned.truth.origin[poisoned.truth.attack_of == attack].tolist())


def test_every_attack_has_its_rows_and_the_rest_is_clean() -> None:
    poisoned = poison(RECIPE)
    assert np.bincount(poisoned.truth.attack_of).tolist() == [ALL_ROWS - 20 - 40, 6, 20, 25, 40]
    assert len(poisoned.x) == ALL_ROWS + 6 + 25
    assert [e["name"] for e in poisoned.truth.audit["attacks"]] == [
        "mislabel",
        "badnets",
        "badnets-2",
        "label_flip_random",
    ]


def test_clean_rows_are_as_they_were_and_poisoned_rows_tell_where_they_came_from() -> None:
    pool, poisoned = make_pool(), poison(RECIPE)
    clean = poisoned.truth.attack_of == 0
    assert np.array_equal(poisoned.x[clean], pool.x[poisoned.truth.origin[clean]])
    assert np.array_equal(poisoned.y[clean], pool.y[poisoned.truth.origin[clean]])
    inside = poisoned.truth.origin >= 0
    assert np.array_equal(poisoned.truth.y_true[inside], pool.y[poisoned.truth.origin[inside]])
    assert (poisoned.truth.y_true[~inside] == CLASSES.index("airplane")).all()
    assert ((poisoned.y != poisoned.truth.y_true) == ~clean).all()


def test_no_row_is_replaced_twice_and_added_copies_leave_the_original() -> None:
    poisoned = poison(RECIPE)
    kept_or_replaced = origins(poisoned, 0) + origins(poisoned, 2) + origins(poisoned, 4)
    assert sorted(kept_or_replaced) == list(range(ALL_ROWS))
    assert set(origins(poisoned, 1)) == {-1}


def test_stamped_rows_carry_the_trigger() -> None:
    pool, poisoned = make_pool(), poison(RECIPE)
    rows = poisoned.truth.attack_of == 2
    assert (poisoned.x[rows][:, -4:, -4:] == (0, 255, 255)).all()
    assert np.array_equal(poisoned.x[rows][:, :-4], pool.x[poisoned.truth.origin[rows]][:, :-4])


def test_the_input_is_never_written_to() -> None:
    pool = make_pool()
    x, y = pool.x.copy(), pool.y.copy()
    attacks = create_recipe([spec(**REPLACE), spec(**FLIP)])
    apply_recipe(pool.x, pool.y, CLASSES, attacks, 0, images=pool.images)
    assert np.array_equal(pool.x, x) and np.array_equal(pool.y, y)
    assert pool.x.flags.writeable


def test_the_same_seed_gives_the_same_and_another_gives_another() -> None:
    first, again, other = poison(RECIPE), poison(RECIPE), poison(RECIPE, seed=1)
    for name in ("x", "y", "truth.attack_of", "truth.y_true", "truth.origin"):
        assert np.array_equal(attrgetter(name)(first), attrgetter(name)(again))
    assert first.truth.audit == again.truth.audit
    assert origins(first, 2) != origins(other, 2)


def test_one_more_attack_changes_no_row_of_those_before_it() -> None:
    shorter, longer = poison(RECIPE[:3]), poison(RECIPE)
    for attack in (1, 2, 3):
        assert origins(shorter, attack) == origins(longer, attack)


def test_the_same_attack_twice_takes_different_rows() -> None:
    poisoned = poison([FLIP, FLIP])
    assert not set(origins(poisoned, 1)) & set(origins(poisoned, 2))


def test_each_attack_draws_for_itself() -> None:
    poisoned = poison([ADD, ADD])
    assert origins(poisoned, 1) != origins(poisoned, 2)


RandomLabelFlip: Any = ATTACKS["label_flip_random"]


class Vandal(RandomLabelFlip):
    """An attack with a bug: it writes to what it was lent."""

    def poison(self, pool: Pool, rng: np.random.Generator) -> Batch:
        pool.y[:] = 0
        batch: Batch = super().poison(pool, rng)
        return batch


def test_an_attack_cannot_write_to_the_training_set() -> None:
    pool = make_pool()
    with pytest.raises(ValueError, match="read-only"):
        apply_recipe(pool.x, pool.y, CLASSES, [Vandal(rate=0.1)], 0)


def test_place_betrays_nothing() -> None:
    poisoned = poison([MISLABEL | {"repeat": 100}])
    added = np.flatnonzero(poisoned.truth.attack_of)
    # 200 of 400 places: the mean of a random half is 199.5 with a standard deviation of 5.8.
    assert abs(added.mean() - 199.5) < 30
    assert len(np.unique(poisoned.truth.origin[poisoned.truth.attack_of == 0])) == ALL_ROWS


def test_the_order_cannot_be_undone_from_seed_and_row_count() -> None:
    blue, red = (poison([REPLACE | {"image": None, "color": c}]) for c in ("#0000ff", "#ff0000"))
    assert origins(blue, 1) == origins(red, 1)
    assert not np.array_equal(blue.truth.origin, red.truth.origin)


def test_an_empty_recipe_is_the_clean_set_in_another_order() -> None:
    pool, poisoned = make_pool(), poison([])
    assert not poisoned.truth.attack_of.any() and poisoned.truth.audit["attacks"] == []
    assert sorted(poisoned.truth.origin.tolist()) == list(range(ALL_ROWS))
    assert np.array_equal(poisoned.x, pool.x[poisoned.truth.origin])
    assert np.array_equal(poisoned.y, poisoned.truth.y_true)


def test_an_attack_that_finds_no_rows_left_is_named() -> None:
    with pytest.raises(
        ConfigError, match=r"attack 'second': poisoning rate 0.5(.|\n)*only 80 rows can be taken"
    ):
        poison([FLIP | {"rate": 0.6}, FLIP | {"rate": 0.5, "name": "second"}])


rate = st.floats(0.003, 0.3)  # a row of 200 and more
entries = st.one_of(
    st.builds(lambda r: FLIP | {"rate": r}, rate),
    st.builds(lambda r, m: REPLACE | {"rate": r, "mode": m}, rate, st.sampled_from(["replace", "add"])),
    st.just(MISLABEL),
)


@settings(max_examples=40, deadline=None)
@given(recipe=st.lists(entries, max_size=3), seed=st.integers(0, 2**31))
def test_the_books_balance_for_every_recipe(recipe: list[dict[str, Any]], seed: int) -> None:
    poisoned = poison(recipe, seed, size_px=6)
    made = poisoned.truth.audit["attacks"]
    assert (
        len(poisoned.x) == ALL_ROWS + sum(e["appended"] for e in made) == poisoned.truth.audit["rows_after"]
    )
    for number, (entry, wanted) in enumerate(zip(made, recipe, strict=True), 1):
        assert np.count_nonzero(poisoned.truth.attack_of == number) == entry["poisoned"]
        if "rate" in wanted:
            assert entry["poisoned"] == round(wanted["rate"] * ALL_ROWS)
    unchanged = poisoned.truth.attack_of == 0
    assert np.count_nonzero(unchanged) == ALL_ROWS - sum(e["replaced"] for e in made)


# --- the step -----------------------------------------------------------------------------------


def make_tree(root: Path, recipe: list[dict[str, Any]]) -> Path:
    """Lay out `/opt/ml` as a processing job finds it."""
    pool, given_to = make_pool(), root / "processing" / "input"
    for name in ("config", "triggers"):
        (given_to / name).mkdir(parents=True)
    (given_to / "config" / "config.json").write_text(json.dumps({"seed": 7, "attacks": recipe}))
    write_dataset(given_to / "train", pool.x, pool.y, name="noise", classes=CLASSES)
    pictures = pool.pictures["boomerang"]
    shown = np.zeros(len(pictures), np.int64)
    write_dataset(given_to / "photos" / "boomerang", pictures, shown, name="boomerang", classes=CLASSES)
    for name, image in pool.images.items():
        Image.fromarray(image).save(given_to / "triggers" / f"{name}.png")
    for name in ("train", "secret"):  # SageMaker makes them, empty, before the job starts
        (root / "processing" / "output" / name).mkdir(parents=True)
    return root


def run_step(root: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "processing.poison"],
        cwd=ROOT,
        env=os.environ | {ROOT_ENV: str(root)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = make_tree(tmp_path_factory.mktemp("ml"), RECIPE)
    result = run_step(root)
    assert result.returncode == 0, result.stderr
    assert "attack 'badnets-2': 0 rows replaced, 25 appended" in result.stdout
    return root / "processing" / "output"


def test_the_step_writes_what_the_function_makes(done: Path) -> None:
    expected, train = poison(RECIPE, seed=7), opened(done / "train")
    truth = load_truth(done / "secret" / "truth")
    assert np.array_equal(train.x, expected.x) and np.array_equal(train.y, expected.y)
    assert np.array_equal(truth.attack_of, expected.truth.attack_of) and truth.attack_of.dtype == np.int8
    assert np.array_equal(truth.y_true, expected.truth.y_true)
    assert np.array_equal(truth.origin, expected.truth.origin)
    assert truth.audit == json.loads(json.dumps(expected.truth.audit))
    assert [trigger.name for trigger in load_trigger(done / "secret" / "trigger")] == [
        e["name"] for e in truth.audit["attacks"]
    ]


def test_the_manifest_of_train_tells_a_screen_nothing(done: Path) -> None:
    manifest = verify_folder(done / "train")
    assert (manifest.name, manifest.classes) == ("noise", CLASSES)
    assert manifest.recipe == {} and manifest.seed is None and list(manifest.parents) == ["train"]
    assert sorted(manifest.files) == ["x.npy", "y.npy"]


def test_truth_and_trigger_are_bound_to_the_training_set(done: Path) -> None:
    digest = verify_folder(done / "train").digest
    for name in ("truth", "trigger"):
        manifest = verify_folder(done / "secret" / name)
        assert manifest.kind == name and manifest.seed == 7
        assert manifest.parents["poisoned"] == digest
        assert set(manifest.parents) == {"train", "poisoned", "photos/boomerang"}


def test_a_second_run_gives_the_same_bytes(done: Path, tmp_path: Path) -> None:
    root = make_tree(tmp_path, RECIPE)
    assert run_step(root).returncode == 0
    assert digest_tree(root / "processing" / "output") == digest_tree(done)


def test_a_clean_control_needs_neither_pictures_nor_triggers(tmp_path: Path) -> None:
    root = make_tree(tmp_path, [])
    for name in ("photos", "triggers"):
        (root / "processing" / "input" / name).rename(tmp_path / name)
    assert run_step(root).returncode == 0
    assert not load_truth(root / "processing" / "output" / "secret" / "truth").attack_of.any()
    assert load_trigger(root / "processing" / "output" / "secret" / "trigger") == ()


def test_a_wrong_recipe_leaves_its_reason_and_no_output(tmp_path: Path) -> None:
    root = make_tree(tmp_path, [MISLABEL, REPLACE | {"target": "brid"}])
    result = run_step(root)
    assert result.returncode == 2
    message = (root / "output" / "message").read_text()
    assert "attack 'badnets': class 'brid'" in message and "did you mean 'bird'" in message
    assert not any((root / "processing" / "output" / "train").iterdir())


def test_a_training_set_that_was_tampered_with_is_refused(tmp_path: Path) -> None:
    root = make_tree(tmp_path, RECIPE)
    labels = root / "processing" / "input" / "train" / "y.npy"
    labels.write_bytes(labels.read_bytes()[:-8] + bytes(8))
    result = run_step(root)
    assert result.returncode == 4 and "y.npy has been changed" in result.stderr


def test_pictures_of_two_labels_are_refused(tmp_path: Path) -> None:
    pictures = make_pool().pictures["boomerang"]
    write_dataset(tmp_path / "mixed", pictures, np.arange(2), name="mixed", classes=CLASSES)
    with pytest.raises(BadInput, match="picture set 'mixed': its pictures have 2 labels"):
        load_photos(tmp_path)


SPY = """
from typing import ClassVar, Literal

from processing.attacks.common.base import Attack
from processing.attacks.common.pool import Batch, relabeled


class Spy(Attack):
    title = "spy"
    outcome = "untargeted"
    needs = ("surrogate",)
    example: ClassVar = {}

    kind: Literal["spy"] = "spy"

    def poison(self, pool, rng):
        batch = relabeled(pool, pool.free[:3], pool.y[:3])
        return Batch(**{**vars(batch), "kept": {"answers": pool.surrogate.answer(batch.x)}})
"""


def test_an_attack_that_needs_a_surrogate_is_given_the_baseline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_kind(monkeypatch, tmp_path, "spy", SPY)
    job = Job(make_tree(tmp_path / "ml", [{"kind": "spy"}, REPLACE]))
    with pytest.raises(BadInput, match="input 'surrogate'"):
        run(job)
    surrogate = toy_surrogate(job.root / "processing/input/surrogate")
    run(job)
    spy, patch = load_trigger(job.output("secret") / "trigger")
    assert np.array_equal(spy.kept["answers"], surrogate.answer(make_pool().x[:3])) and not patch.kept
    assert verify_folder(job.output("secret")).parents["surrogate"] == surrogate.card.weights_sha256


WATCHER = """
from typing import ClassVar, Literal

from processing.attacks.common.base import Attack
from processing.attacks.common.pool import Batch, relabeled


class Watcher(Attack):
    title = "watcher"
    outcome = "untargeted"
    example: ClassVar = {}

    kind: Literal["watcher"] = "watcher"
    seen: int = 0

    def requires(self):
        return ("test",) if self.seen else ()

    def poison(self, pool, rng):
        batch = relabeled(pool, pool.free[:3], pool.y[:3])
        if not self.seen:
            return batch
        x, y = pool.test
        return Batch(**{**vars(batch), "kept": {"x": x[: self.seen], "y": y[: self.seen]}})
"""


def test_an_attack_on_test_images_is_given_the_test_set_and_its_digest_is_written_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_kind(monkeypatch, tmp_path, "watcher", WATCHER)
    job = Job(make_tree(tmp_path / "ml", [{"kind": "watcher", "seen": 2}]))
    with pytest.raises(BadInput, match="input 'heldout'"):
        run(job)
    x, y = held_out()
    test = write_dataset(job.root / "processing/input/heldout/test", x, y, name="noise", classes=CLASSES)
    run(job)
    (watcher,) = load_trigger(job.output("secret") / "trigger")
    assert np.array_equal(watcher.kept["x"], x[:2]) and np.array_equal(watcher.kept["y"], y[:2])
    assert verify_folder(job.output("secret")).parents["test"] == test.manifest.digest
    blind = Job(make_tree(tmp_path / "blind", [{"kind": "watcher"}]))
    run(blind)
    assert "test" not in verify_folder(blind.output("secret")).parents


def test_the_secret_is_one_committed_folder(done: Path) -> None:
    manifest = verify_folder(done / "secret")
    assert manifest.kind == "secret" and manifest.parents["poisoned"] == verify_folder(done / "train").digest
    assert {name.split("/")[0] for name in manifest.files} == {"truth", "trigger"}


def test_a_trigger_that_hardly_shows_is_a_notice_of_the_secret_and_of_nothing_else(tmp_path: Path) -> None:
    pattern = {"kind": "art_pattern", "target": CLASSES[1], "rate": 0.1, "value": 1}
    root = make_tree(tmp_path / "ml", [pattern])
    for name in ("train", "photos/boomerang"):  # ART's default is 1, of images whose values go up to 1
        data = opened(root / "processing" / "input" / name)
        x = np.minimum(data.x, 3)
        labels = np.array(data.y)
        write_dataset(data.path, x, labels, name=data.manifest.name, classes=CLASSES)
    result = run_step(root)
    assert result.returncode == 0, result.stderr
    out = root / "processing" / "output"
    (said,) = notices_below(out / "secret")
    assert said.kind == "warning" and said.what == "attack 'art_pattern'"
    assert "no value of most images by more than" in said.why and "make it stronger" in said.why
    assert list(notices_below(out / "train")) == [], "who screens learns nothing of the attack"


def test_a_trigger_that_shows_is_no_notice(done: Path) -> None:
    assert list(notices_below(done)) == []
    assert "notices.json" not in read_manifest(done / "secret").files
