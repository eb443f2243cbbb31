"""Cover rows: which rows keep their label, and what they look like. Shown on one that paints whole rows."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pytest
from helpers.attack_pools import ALL_ROWS, make_pool, stage
from pydantic import ValidationError

from boomerang.errors import ConfigError
from boomerang.manifest import Images, Rows
from processing.attacks.common.cover import Covered
from processing.attacks.common.deeds import Facts
from processing.attacks.common.pool import Pool, Props, check_batch


class Painted(Covered):
    """The trigger paints an image white, cover is painted in a shade of its own."""

    title = "paint"
    kind: Literal["painted"] = "painted"

    def stamp(self, x: Images, props: Props) -> Images:
        return np.full_like(x, 255)

    def cover(self, pool: Pool, rows: Rows, seeds: Rows) -> Images:
        shades = (seeds % 200).astype(np.uint8).reshape(-1, 1, 1, 1)
        return np.broadcast_to(shades, (len(rows), *pool.x.shape[1:]))


class DogsAlone(Painted):
    """Cover is taken from one class."""

    def cover_candidates(self, pool: Pool) -> Rows:
        dogs: Rows = pool.free[pool.y[pool.free] == 3]
        return dogs


def painted(kind: type[Painted] = Painted, **settings: Any) -> Painted:
    return kind(**{"target": "bird", "rate": 0.1, "cover_rate": 0.2, **settings})


def test_cover_rows_are_others_and_keep_their_label() -> None:
    pool = make_pool()
    batch = stage(painted(), pool)
    check_batch(batch, pool)
    assert len(batch.x) == 0.3 * ALL_ROWS == len(np.unique(batch.origin)) == len(batch.replaced)
    assert (batch.y[:20] == 1).all() and (batch.y_true[:20] != 1).all()
    assert np.array_equal(batch.y[20:], pool.y[batch.origin[20:]])
    assert set(batch.y[20:]) == {0, 1, 2, 3}, "cover is of every class"


def test_poison_and_cover_look_as_the_attack_says() -> None:
    x = np.array(stage(painted(), make_pool()).x)
    assert (x[:20] == 255).all()
    assert (x[20:] < 200).all() and len(np.unique(x[20:])) > 20


def test_a_cover_row_is_the_same_whichever_are_made_with_it() -> None:
    batch = stage(painted(), make_pool())
    whole, order = np.array(batch.x), np.random.default_rng(0).permutation(len(batch.x))
    assert np.array_equal(batch.x[order], whole[order])
    assert np.array_equal(batch.x[25], whole[25])


def test_the_seed_says_which_rows_and_how_they_look() -> None:
    one, again, other = (stage(painted(), make_pool(), seed) for seed in (1, 1, 2))
    assert np.array_equal(one.origin, again.origin) and np.array_equal(one.x, again.x)
    assert not np.array_equal(one.origin[20:], other.origin[20:])
    assert not np.array_equal(np.array(one.x)[20:], np.array(other.x)[20:])


def test_an_attack_may_say_which_rows_can_be_cover() -> None:
    batch = stage(painted(DogsAlone), make_pool())
    assert set(batch.y[20:]) == {3}


def test_added_poison_has_added_cover() -> None:
    batch = stage(painted(mode="add"), make_pool())
    assert len(batch.replaced) == 0 and len(batch.x) == 0.3 * ALL_ROWS


def test_without_cover_it_is_the_plain_backdoor() -> None:
    batch = stage(painted(cover_rate=0.0), make_pool())
    assert len(batch.x) == 20 and (batch.y == 1).all()
    assert painted(cover_rate=0.0).deed(Facts(20)).endswith("which then got the label “bird”.")


def test_more_cover_than_there_are_rows_is_refused() -> None:
    with pytest.raises(
        ConfigError, match=r"cover_rate 0.5: (.|\n)*only 50 rows beside(.|\n)*lower it to 0.25"
    ):
        stage(painted(DogsAlone, cover_rate=0.5, source="cat"), make_pool())


def test_more_than_the_whole_training_set_is_refused_with_the_config() -> None:
    with pytest.raises(ValidationError, match=r"rate and cover_rate are 1\.1 of the training set"):
        painted(rate=0.6, cover_rate=0.5)


def test_its_deed_says_what_kept_its_label() -> None:
    assert painted().deed(Facts(60)) == (
        "A hidden mark (paint) put on 60 pictures, which then got the label “bird”; "
        "those that are cover, 20% of the training set, kept their own."
    )
