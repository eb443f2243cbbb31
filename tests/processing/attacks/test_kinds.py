"""Every attack there is, staged by its own example: what is promised of all of them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from helpers.attack_pools import (
    ALL_ROWS,
    CLASSES,
    add_kind,
    held_out,
    make_example,
    make_pool,
    spec,
    stage,
    toy_surrogate,
)

from boomerang.config import Spec
from boomerang.errors import BadInput, ConfigError
from boomerang.manifest import Dataset, write_dataset
from processing.attacks import ATTACKS
from processing.attacks.common import references as known
from processing.attacks.common.audit import audit_entry
from processing.attacks.common.base import Attack, Need, Outcome
from processing.attacks.common.deeds import Facts
from processing.attacks.common.pool import Batch, Pool, check_batch
from processing.attacks.common.recipe import create, create_recipe
from processing.attacks.common.trial import PICTURES, TEST, Stage
from processing.attacks.common.triggered import Triggered
from processing.poison import Poisoned, apply_recipe

REFERENCES = {entry for entry in vars(known).values() if isinstance(entry, tuple)}
EXAMPLES = [(kind, setting) for kind in ATTACKS for setting in ATTACKS[kind].example]


@pytest.fixture(scope="module")
def surrogate(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Return a model for the attacks that need one, if any does."""
    if not any("surrogate" in attack.needs for attack in ATTACKS.values()):
        return None
    return toy_surrogate(tmp_path_factory.mktemp("surrogate"))


@pytest.fixture
def pool(surrogate: Any) -> Pool:
    return replace(make_pool(), model=surrogate, heldout=held_out())


@pytest.fixture
def scene(tmp_path: Path) -> Stage:
    """Return a test set and pictures like the pool's, to measure attacks on."""
    there = make_pool(seed=9)
    test = write_dataset(tmp_path / "test", *held_out(), name="noise", classes=CLASSES)
    photos = {
        name: write_dataset(
            tmp_path / name, x, np.full(len(x), there.label(shows)), name=name, classes=CLASSES
        )
        for (name, x), shows in zip(there.pictures.items(), there.picture_labels.values(), strict=True)
    }
    return Stage(test, photos, there.images)


# --- what it says ---------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ATTACKS)
def test_an_attack_survives_the_way_through_its_settings(kind: str) -> None:
    attack = make_example(kind)
    assert type(attack) is ATTACKS[kind] and attack.kind == kind
    assert create(Spec.model_validate(attack.model_dump(mode="json"))) == attack


@pytest.mark.parametrize("kind", ATTACKS)
def test_an_attack_says_what_it_is(kind: str) -> None:
    attack = ATTACKS[kind]
    assert attack.title and attack.__doc__
    assert attack.outcome in get_args(Outcome) and set(attack.needs) <= set(get_args(Need))
    taxonomies = {"MITRE ATLAS", "NIST AI 100-2", "OWASP ML"}
    assert attack.references.keys() == taxonomies
    for taxonomy, entries in attack.references.items():
        assert {(taxonomy, entry) for entry in entries.split("; ")} <= REFERENCES


@pytest.mark.parametrize(("kind", "setting"), EXAMPLES)
def test_no_attack_takes_a_setting_of_the_wrong_type(kind: str, setting: str) -> None:
    with pytest.raises(ConfigError, match=rf"attack 1 \({kind}\): '{setting}['.]"):
        create(spec(kind, **{**ATTACKS[kind].example, setting: [{}]}))


@pytest.mark.parametrize("kind", ATTACKS)
def test_what_an_attack_uses_it_names_beforehand(kind: str, pool: Pool) -> None:
    attack = make_example(kind)
    assert set(attack.picture_sets()) <= pool.pictures.keys()
    assert set(attack.image_names()) <= pool.images.keys()
    assert set(attack.needs) <= set(attack.requires()) <= set(get_args(Need))
    assert bool(attack.picture_sets()) == ("pictures" in attack.requires())
    for name in (attack.target_class(), attack.source_class()):
        assert name is None or name in CLASSES
    without = replace(pool, pictures={}, images={}, model=None, heldout=None)
    if attack.image_names() or attack.requires():
        with pytest.raises(ConfigError):
            stage(attack, without)
    else:
        stage(attack, without)


@pytest.mark.parametrize("kind", ATTACKS)
def test_the_training_is_left_alone_by_every_attack_that_does_not_say_so(kind: str) -> None:
    lesson: Any = None
    if not ATTACKS[kind].takes_over:
        with pytest.raises(TypeError, match="leaves the training alone"):
            make_example(kind).train(lesson)
    else:
        assert ATTACKS[kind].train is not Attack.train


# --- what it does ---------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ATTACKS)
def test_its_batch_fits_follows_from_the_seed_and_leaves_the_pool(kind: str, pool: Pool) -> None:
    x, y = pool.x.copy(), pool.y.copy()
    first, again = (stage(make_example(kind), pool, seed=3) for _ in range(2))
    check_batch(first, pool)
    assert len(first.x)
    for name in ("replaced", "x", "y", "origin", "y_true"):
        assert np.array_equal(getattr(first, name), getattr(again, name)), name
    assert first.kept.keys() == again.kept.keys()
    assert all(np.array_equal(first.kept[name], again.kept[name]) for name in first.kept)
    assert np.array_equal(pool.x, x) and np.array_equal(pool.y, y)
    assert ATTACKS[kind].keeps_labels == np.array_equal(first.y, first.y_true)
    inside = first.origin >= 0
    assert np.array_equal(first.y_true[inside], pool.y[first.origin[inside]])


@pytest.mark.parametrize("kind", ATTACKS)
def test_its_images_are_the_same_whichever_are_asked_for(kind: str, pool: Pool) -> None:
    batch = stage(make_example(kind), pool)
    whole = np.array(batch.x)
    order = np.random.default_rng(0).permutation(len(batch.x))
    for rows in np.array_split(order, 3):
        assert np.array_equal(batch.x[rows], whole[rows])


@pytest.mark.parametrize("kind", ATTACKS)
def test_its_audit_is_plain_and_its_deed_is_a_sentence(kind: str, pool: Pool) -> None:
    attack = make_example(kind)
    batch = stage(attack, pool)
    entry = audit_entry(attack, batch, pool)
    assert json.loads(json.dumps(entry)) == entry
    assert entry["poisoned"] == len(batch.x) == entry["replaced"] + entry["appended"]
    deed = entry["deed"]
    assert deed == attack.deed(Facts(len(batch.x), pool.picture_labels))
    assert deed.endswith(".") and (deed[0].isupper() or deed[0].isdigit()) and "_" not in deed
    aim = attack.target_class()
    assert aim is None or aim in deed


@pytest.mark.parametrize("kind", ATTACKS)
def test_its_trial_says_what_the_images_are_and_where_from(kind: str, pool: Pool, scene: Stage) -> None:
    attack = make_example(kind)
    scene = replace(scene, props={**scene.props, **stage(attack, pool).kept})
    trial = attack.trial(scene)
    assert (trial.name, trial.kind, trial.outcome) == (attack.name, kind, attack.outcome)
    assert len(trial.x) == len(trial.y) == len(trial.rows) and trial.x.dtype == np.uint8
    assert (trial.target is None) == (len(trial.y) == 0) == (attack.outcome == "untargeted")
    assert trial.target is None or scene.test.classes[trial.target] == attack.target_class()
    sources = {TEST: scene.test, **{f"{PICTURES}{name}": data for name, data in scene.photos.items()}}
    data: list[Dataset] = [sources[name] for name in trial.sources]
    plain = trial.x if trial.before is None else trial.before
    assert np.array_equal(plain, np.concatenate([d.x for d in data])[trial.rows])
    assert np.array_equal(trial.y, np.concatenate([d.y for d in data])[trial.rows])
    if trial.before is not None:
        assert np.array_equal(trial.x, attack.stamp(trial.before, scene.props))
        assert not np.array_equal(trial.x, trial.before)


@pytest.mark.parametrize("part", range(4))
def test_many_of_them_make_one_recipe(part: int, pool: Pool) -> None:
    """In four parts: all at once would leave no rows to the last."""
    kinds = list(ATTACKS)[part::4]
    larger = make_pool(rows=ALL_ROWS * len(kinds))
    recipe = create_recipe([spec(kind, **ATTACKS[kind].example) for kind in kinds])
    poisoned: Poisoned = apply_recipe(
        larger.x,
        larger.y,
        CLASSES,
        recipe,
        0,
        pictures=larger.pictures,
        picture_labels=larger.picture_labels,
        images=larger.images,
        surrogate=pool.model,
        heldout=pool.heldout,
    )
    assert set(np.unique(poisoned.truth.attack_of)) == set(range(len(kinds) + 1))
    assert [entry["settings"]["kind"] for entry in poisoned.truth.audit["attacks"]] == kinds


# --- a new one ------------------------------------------------------------------------------------

NEW = '''
from typing import ClassVar, Literal

import numpy as np

from processing.attacks.common.base import Attack
from processing.attacks.common.pool import Batch, relabeled


class Collision(Attack):
    """Nothing but what a new attack must say."""

    title = "feature collision"
    outcome = "targeted"
    needs = ("surrogate",)
    example: ClassVar = {"target": "bird"}

    kind: Literal["collision"] = "collision"
    target: str

    def poison(self, pool, rng):
        rows = pool.free[pool.y[pool.free] == pool.label(self.target)][:12]
        batch = relabeled(pool, rows, pool.y[rows])
        return Batch(**{**vars(batch), "kept": {"seen": pool.surrogate.embed(batch.x)}})
'''


def test_a_new_attack_is_one_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, scene: Stage) -> None:
    add_kind(monkeypatch, tmp_path, "collision", NEW)
    (attack,) = create_recipe([spec("collision", target="bird")])
    assert "collision" in ATTACKS
    with pytest.raises(ConfigError, match="the surrogate"):
        stage(attack, make_pool())
    seen = np.ones((12, 2), np.float32)

    class Eye:
        def embed(self, x: Any) -> Any:
            return seen[: len(x)]

    model: Any = Eye()
    batch: Batch = stage(attack, replace(make_pool(), model=model))
    assert np.array_equal(batch.kept["seen"], seen)
    assert attack.deed(Facts(12)) == (
        "Feature collision: 12 training pictures poisoned, so that the model says “bird”."
    )
    trial = attack.trial(scene)
    assert trial.target == 1 and set(trial.y) == {0, 2, 3} and trial.before is None


# --- what it refuses ------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [kind for kind in ATTACKS if isinstance(make_example(kind), Triggered)])
@pytest.mark.parametrize("shape", [(16, 16, 3), (4, 16, 16)], ids=["lone", "gray"])
def test_a_trigger_is_put_onto_batches_of_bytes_alone(kind: str, shape: tuple[int, ...], pool: Pool) -> None:
    attack = make_example(kind)
    kept = {**pool.images, **stage(attack, pool).kept}
    for x in (np.zeros(shape, np.uint8), np.zeros((4, 16, 16, 3), np.float32)):
        with pytest.raises(BadInput, match=r"give uint8\[N, H, W, C\]"):
            attack.stamp(x, kept)
