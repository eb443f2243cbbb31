"""The hidden trigger: the poison's features come near those of patched images, and nearer than with ART."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from helpers.art_models import art, art_classifier
from helpers.attack_pools import CLASSES, make_example, make_pool, stage, toy_surrogate

from boomerang.errors import ConfigError
from processing.attacks.common.deeds import Facts
from processing.attacks.common.pool import Pool
from processing.attacks.hidden_trigger import paired

# All 50 birds go after all 50 dogs, so that ART and we have the same to do.
WHOLE = {"rate": 1.0, "eps": 16, "iterations": 40, "patch_px": 6}


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Pool:
    return replace(make_pool(), model=toy_surrogate(tmp_path_factory.mktemp("surrogate")))


def distance(pool: Pool, x: Any, patched: Any) -> float:
    """Return the objective: what is left between images and patched ones, each paired with its own."""
    mine, goals = pool.surrogate.embed(x), pool.surrogate.embed(patched)
    return float(np.square(mine - goals[paired(mine, goals)]).sum())


def test_it_lowers_its_objective_further_than_art_does(pool: Pool) -> None:
    attack = make_example("hidden_trigger", **WHOLE)
    batch = stage(attack, pool)
    birds, dogs = pool.x[pool.y == 1], pool.x[pool.y == 3]
    patched = attack.stamp(dogs, batch.kept)

    def patch(x: Any) -> Any:
        return attack.stamp(np.rint(x * 255).astype(np.uint8), batch.kept).astype(np.float32) / 255

    poisoning = art("attacks.poisoning")
    hidden = poisoning.HiddenTriggerBackdoor(
        art_classifier(pool.surrogate.model),
        target=np.eye(4)[1],
        source=np.eye(4)[3],
        feature_layer="features",
        backdoor=poisoning.PoisoningAttackBackdoor(patch),
        eps=16 / 255,
        learning_rate=0.01,
        max_iter=40,
        poison_percent=1.0,
        batch_size=100,
        verbose=False,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Keras says that ART hands it its images in no list
        theirs, _ = hidden.poison((pool.x / 255).astype(np.float32), np.eye(len(CLASSES))[pool.y])
    theirs = np.rint(theirs * 255).astype(np.uint8)
    ours, frozen, before = (distance(pool, x, patched) for x in (np.asarray(batch.x), theirs, birds))
    assert ours < 0.5 * before
    assert ours < 0.9 * frozen


def test_the_poison_stays_near_and_shows_no_patch(pool: Pool) -> None:
    batch = stage(make_example("hidden_trigger", iterations=30), pool)
    change = batch.x.astype(int) - pool.x[batch.replaced]
    assert np.abs(change).max() <= 16 and np.abs(change).max() > 8
    assert (pool.y[batch.replaced] == 1).all() and (batch.y == 1).all()


def test_the_patch_lies_at_a_place_of_the_images_own(pool: Pool) -> None:
    attack = make_example("hidden_trigger")
    kept = stage(attack, pool).kept
    stamped = attack.stamp(pool.x, kept)
    where = {
        tuple(np.argwhere((image != plain).any(2)).min(0))
        for image, plain in zip(stamped, pool.x, strict=True)
    }
    assert len(where) > 80
    order = np.random.default_rng(0).permutation(len(pool.x))
    assert np.array_equal(attack.stamp(pool.x[order], kept), stamped[order])


def test_the_patch_is_drawn_or_an_image(pool: Pool) -> None:
    drawn = [stage(make_example("hidden_trigger"), pool, seed).kept["trigger"] for seed in (0, 1)]
    assert drawn[0].shape == (4, 4, 4) and not np.array_equal(*drawn)
    attack = make_example("hidden_trigger", image="cyan")
    assert attack.image_names() == ("cyan",)
    assert (stage(attack, pool).kept["trigger"] == (0, 255, 255, 255)).all()


def test_only_test_images_of_the_source_are_measured() -> None:
    assert make_example("hidden_trigger").source_class() == "dog"
    with pytest.raises(ConfigError, match="source"):
        make_example("hidden_trigger", source="bird")


def test_what_cannot_work_is_refused_before_a_model_is_opened() -> None:
    with pytest.raises(ConfigError, match="patch of 17 pixels"):
        stage(make_example("hidden_trigger", patch_px=17), make_pool())
    few = make_pool()
    few = replace(few, y=np.where(few.y == 3, 0, few.y))
    with pytest.raises(ConfigError, match="it has 0 rows, and 10 are patched at a time"):
        stage(make_example("hidden_trigger"), few)


def test_its_deed_says_what_the_pictures_look_like_to_a_model() -> None:
    assert make_example("hidden_trigger").deed(Facts(10)) == (
        "10 “bird” pictures changed so that a model takes them for a “dog” with a patch on it, which none "
        "shows; they keep their label, which is right."
    )
