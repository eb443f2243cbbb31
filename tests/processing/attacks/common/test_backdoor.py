"""What all backdoors share: whose rows, how many, in place or added. Shown on BadNets."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from helpers.attack_pools import ALL_ROWS, make, make_pool, stage

from boomerang.errors import ConfigError
from processing.attacks.common.audit import audit_entry
from processing.attacks.common.backdoor import Backdoor

OF_A_CLASS = ALL_ROWS // 4


@pytest.mark.parametrize(
    ("settings", "poisoned"),
    [
        ({"rate": 0.1}, 0.1 * ALL_ROWS),
        ({"rate": 0.1, "source": "airplane"}, 0.1 * ALL_ROWS),
        ({"rate": 0.1, "of": "class"}, 0.1 * OF_A_CLASS),
        ({"rate": 1.0, "of": "class", "source": "airplane"}, OF_A_CLASS),
        ({"rate": 0.005}, 1),
    ],
)
@pytest.mark.parametrize("mode", ["replace", "add"])
def test_the_rate_is_exact(settings: dict[str, Any], poisoned: int, mode: str) -> None:
    batch = stage(make("badnets", target="bird", mode=mode, **settings), make_pool())
    assert len(batch.x) == poisoned
    assert len(batch.replaced) == (poisoned if mode == "replace" else 0)


def test_without_a_source_the_rows_are_of_every_class_but_the_target() -> None:
    batch = stage(make("badnets", target="bird", rate=0.7), make_pool())
    assert set(batch.y_true) == {0, 2, 3} and set(batch.y) == {1}


def test_with_a_source_the_rows_are_of_that_class() -> None:
    pool = make_pool()
    attack = make("badnets", source="dog", target="bird", rate=0.2)
    batch = stage(attack, pool)
    assert set(batch.y_true) == {3} and set(pool.y[batch.origin]) == {3}
    assert (attack.source_class(), attack.target_class()) == ("dog", "bird")


def test_added_and_replaced_images_are_the_stamped_originals() -> None:
    pool = make_pool()
    for mode in ("replace", "add"):
        attack = make("badnets", target="bird", rate=0.1, mode=mode)
        batch = stage(attack, pool)
        assert np.array_equal(batch.x, attack.stamp(pool.x[batch.origin], {}))


def test_the_pool_stays_as_it_was() -> None:
    pool = make_pool()
    x, y = pool.x.copy(), pool.y.copy()
    stage(make("badnets", target="bird", rate=0.5), pool)
    assert np.array_equal(pool.x, x) and np.array_equal(pool.y, y)


def test_another_seed_takes_other_rows() -> None:
    pool, attack = make_pool(), make("badnets", target="bird", rate=0.1)
    assert np.array_equal(stage(attack, pool, 5).origin, stage(attack, pool, 5).origin)
    assert not np.array_equal(stage(attack, pool, 5).origin, stage(attack, pool, 6).origin)


def test_more_rows_than_there_are_cannot_be_bought() -> None:
    attack = make("badnets", source="dog", target="bird", rate=0.3)
    with pytest.raises(ConfigError, match=r"only 50 of class 'dog' can be taken(.|\n)*lower it to 0.25 or"):
        stage(attack, make_pool())


def test_source_and_target_are_two_classes() -> None:
    with pytest.raises(ConfigError, match="source and target are both 'bird'"):
        make("badnets", source="bird", target="bird", rate=0.1)


@pytest.mark.parametrize(
    "settings", [{"image": "clear"}, {"color": "#ffffff", "corner": "top-left"}], ids=["clear", "white"]
)
def test_a_trigger_that_cannot_be_seen_is_refused(settings: dict[str, Any]) -> None:
    pool = make_pool()
    pool.x[: 3 * ALL_ROWS // 4, :4, :4] = 255
    attack = make("badnets", target="bird", rate=0.5, **settings)
    with pytest.raises(ConfigError, match=r"trigger: it leaves \d+ of 100 images as they were"):
        audit_entry(attack, stage(attack, pool), pool)


def test_the_audit_counts_what_stayed_as_it_was() -> None:
    pool = make_pool()
    pool.x[:40, :4, :4] = 255
    attack = make("badnets", target="bird", rate=0.75, corner="top-left")
    entry = audit_entry(attack, stage(attack, pool), pool)
    assert entry["images_unchanged"] == 30
    assert entry["warnings"] == ["the trigger left 30 of 150 images as they were"]
    assert entry["poisoned"] == entry["replaced"] == 150 and entry["appended"] == 0
    assert entry["rate_of_train"] == 0.75
    assert entry["labels_true"] == {"airplane": 50, "cat": 50, "dog": 50}
    assert entry["labels_given"] == {"bird": 150}


def test_a_source_without_rows_says_so() -> None:
    pool = replace(make_pool(), classes=("airplane", "bird", "cat", "dog", "frog"))
    with pytest.raises(ConfigError, match="only 0 of class 'frog'"):
        stage(make("badnets", source="frog", target="bird", rate=0.1), pool)


def test_the_audit_warns_of_a_trigger_that_is_too_faint() -> None:
    """ART's default pixel value, 1, on black images."""
    pool = make_pool()
    pool.x[:] = 0
    attack = make("art_pattern", target="bird", rate=0.1, value=1)
    entry = audit_entry(attack, stage(attack, pool), pool)
    (said,) = entry["warnings"]
    assert said.startswith("the trigger changes no value of most images by more than 1 of 255: ")
    assert said.endswith("make it stronger"), "what to do is said"


def test_a_label_flip_is_no_faint_trigger() -> None:
    pool, attack = make_pool(), make("label_flip_random", rate=0.1)
    entry = audit_entry(attack, stage(attack, pool), pool)
    assert entry["images_unchanged"] == 20 and entry["warnings"] == []


def test_a_trigger_without_words_of_its_own_is_a_hidden_mark() -> None:
    attack = make("badnets", target="bird", rate=0.1)
    assert Backdoor.mark(attack) == f"a hidden mark ({attack.title})"
