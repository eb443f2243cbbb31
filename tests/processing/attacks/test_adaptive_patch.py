"""Adaptive-Patch: which patch a training row has, how faint it is, and what is on a measured image."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from helpers.attack_pools import make, make_pool, stage

from boomerang.errors import ConfigError
from processing.attacks.common.deeds import Facts

CORNERS = (np.s_[:, :4, :4], np.s_[:, :4, -4:], np.s_[:, -4:, :4], np.s_[:, -4:, -4:])


def adaptive(**settings: Any) -> Any:
    return make(
        "adaptive_patch", **{"target": "bird", "rate": 0.2, "cover_rate": 0.2, "patch_px": 4, **settings}
    )


def test_a_training_row_has_one_patch_at_its_own_opacity() -> None:
    pool = make_pool()
    attack = adaptive()
    batch = stage(attack, pool)
    before, after = pool.x[batch.origin].astype(float), batch.x[:].astype(float)
    corners = [np.any(after[c] != before[c], axis=(1, 2, 3)) for c in CORNERS]
    assert (np.sum(corners, axis=0) == 1).all(), "one patch a row"
    assert min(found.sum() for found in corners) > 5, "each is learned"
    for found, corner, paint, opacity in zip(
        corners, CORNERS, batch.kept["patches"].astype(float), attack.opacities, strict=True
    ):
        expected = (1 - opacity) * before[found][corner] + opacity * paint
        assert np.abs(after[found][corner] - expected).max() < 1.5, "an opacity is a step of 255"


def test_a_measured_image_has_the_first_patches_in_full() -> None:
    pool = make_pool()
    for shown in (1, 2, 4):
        attack = adaptive(shown=shown)
        kept = stage(attack, pool).kept
        stamped = attack.stamp(pool.x, kept)
        for number, corner in enumerate(CORNERS):
            if number < shown:
                assert (stamped[corner] == kept["patches"][number]).all()
            else:
                assert np.array_equal(stamped[corner], pool.x[corner])


def test_gray_images_get_gray_patches() -> None:
    pool = make_pool(channels=1)
    attack = adaptive()
    batch = stage(attack, pool)
    assert attack.stamp(pool.x, batch.kept).shape == pool.x.shape == (200, *batch.x.shape[1:])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"opacities": []}, "one to four numbers"),
        ({"opacities": [0.5] * 5}, "one to four numbers"),
        ({"opacities": [0.5, 0.0]}, "one to four numbers"),
        ({"opacities": [0.5, 1.1]}, "one to four numbers"),
        ({"opacities": [0.5], "shown": 2}, "2 patches cannot be shown of 1"),
        ({"shown": 5}, "'shown'"),
    ],
)
def test_patches_that_cannot_be_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        adaptive(**settings)


def test_patches_that_would_overlap_are_refused() -> None:
    assert len(stage(adaptive(patch_px=8), make_pool()).x) == 80
    with pytest.raises(ConfigError, match=r"patches of 9 pixels(.|\n)*16 x 16(.|\n)*make patch_px smaller"):
        stage(adaptive(patch_px=9), make_pool())


def test_its_deed_says_how_many_patches_there_are() -> None:
    assert adaptive().deed(Facts(80)) == (
        "One of 4 faint patches of 4 × 4 pixels put on 80 pictures, which then got the label “bird”; "
        "those that are cover, 20% of the training set, kept their own."
    )
