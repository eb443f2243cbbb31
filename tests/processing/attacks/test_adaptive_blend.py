"""Adaptive-Blend: which pieces a training row shows, how much of them, and all when it is measured."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from helpers.attack_pools import make, make_pool, stage

from boomerang.errors import ConfigError
from processing.attacks.common.deeds import Facts

PIECE_PX = 4


def adaptive(**settings: Any) -> Any:
    return make("adaptive_blend", **{"target": "bird", "rate": 0.1, "cover_rate": 0.2, **settings})


def pieces_of(changed: Any) -> Any:
    """Return bool[N, 4, 4]: which pieces of 16 x 16 pixels were changed."""
    by_piece = changed.reshape(len(changed), 4, PIECE_PX, 4, PIECE_PX, -1)
    return by_piece.any(axis=(2, 4, 5))


def test_a_training_row_shows_half_of_the_pieces_each_row_others() -> None:
    pool = make_pool()
    batch = stage(adaptive(), pool)
    shown = pieces_of(batch.x[:] != pool.x[batch.origin])
    assert len(shown) == 60 and (shown.sum(axis=(1, 2)) == 8).all()
    assert len(np.unique(shown.reshape(60, 16), axis=0)) == 60
    assert (shown.sum(axis=0) > 10).all(), "every piece is learned"


def test_what_is_shown_is_the_faint_pattern_in_training_and_a_bolder_one_at_test() -> None:
    pool = make_pool()
    attack = adaptive()
    batch = stage(attack, pool)
    pattern = batch.kept["pattern"].astype(float)
    before = pool.x[batch.origin].astype(float)
    shown = np.kron(pieces_of(batch.x[:] != before), np.ones((1, PIECE_PX, PIECE_PX)))[..., None]
    alpha = 0.15 * shown
    assert np.abs(batch.x[:] - ((1 - alpha) * before + alpha * pattern)).max() <= 0.5001
    bold = attack.stamp(pool.x, batch.kept)
    assert np.abs(bold - (0.8 * pool.x + 0.2 * pattern)).max() <= 0.5001


def test_an_image_is_stretched_and_its_transparency_kept() -> None:
    pool = make_pool()
    attack = adaptive(image="half", masked=0.0, alpha=1.0, test_alpha=1.0)
    batch = stage(attack, pool)
    assert attack.image_names() == ("half",) and not batch.kept
    stamped = attack.stamp(pool.x, pool.images)
    assert np.array_equal(stamped[:, :, :2], pool.x[:, :, :2])
    assert (stamped[:, :, 14:] == stamped[:1, :, 14:]).all(), "where it is opaque nothing shines through"
    assert np.abs(stamped[0, :, 14:].astype(int) - (10, 200, 90)).max() <= 1
    assert np.array_equal(batch.x[:], stamped[batch.origin])


@pytest.mark.parametrize(("side_px", "channels"), [(17, 1), (30, 3)])
def test_sides_that_pieces_do_not_divide_are_cut_nearly_evenly(side_px: int, channels: int) -> None:
    pool = make_pool(size_px=side_px, channels=channels)
    batch = stage(adaptive(alpha=1.0), pool)
    changed = (batch.x[:] != pool.x[batch.origin]).any(axis=3).mean(axis=(1, 2))
    assert changed.min() > 0.4 and changed.max() < 0.6


def test_more_pieces_than_pixels_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"17 x 17 pieces(.|\n)*16 x 16(.|\n)*make 'pieces' smaller"):
        stage(adaptive(pieces=17), make_pool())


def test_its_deed_says_how_much_is_seen() -> None:
    assert adaptive().deed(Facts(60)) == (
        "Parts of a random pattern, 15% of what is seen, put on 60 pictures, "
        "which then got the label “bird”; "
        "those that are cover, 20% of the training set, kept their own."
    )
    assert adaptive(image="cyan").mark() == "parts of the mark “cyan”, 15% of what is seen,"
