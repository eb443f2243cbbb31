"""What the attacks on a support vector machine share: which rows, in which place, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from helpers.attack_pools import make, make_pool, stage
from helpers.svm_cases import cloud_pool

from boomerang.errors import ConfigError

KINDS = ("svm_flipping", "svm_optimal", "svm_semi_optimal", "svm_mixed")
OPTIMIZING = KINDS[1:]


@pytest.mark.parametrize("kind", KINDS)
def test_as_many_rows_of_either_class_are_added_or_replaced(kind: str) -> None:
    pool = cloud_pool()
    for mode, replaced in (("add", 0), ("replace", 12)):
        batch = stage(make(kind, rate=0.3, mode=mode), pool)
        assert len(batch.y) == 12 and len(batch.replaced) == replaced
        assert np.bincount(pool.y[batch.origin]).tolist() == [6, 6] and len(set(batch.origin)) == 12
        assert replaced == 0 or np.array_equal(batch.replaced, batch.origin)


def test_rows_may_be_named_and_only_those_of_the_two_classes() -> None:
    pool = make_pool(rows=40)
    batch = stage(make("svm_flipping", rows=[2, 3, 6], between=["cat", "dog"]), pool)
    assert set(batch.origin) == {2, 3, 6} and {*batch.y} == {2, 3} and not (batch.y == batch.y_true).any()
    with pytest.raises(ConfigError, match="it is 'airplane', and the attack takes rows of its two classes"):
        stage(make("svm_flipping", rows=[0], between=["cat", "dog"]), pool)


def test_rows_that_another_attack_took_are_copied_and_never_replaced() -> None:
    pool = replace(cloud_pool(), free=np.arange(20, 40))
    assert (stage(make("svm_flipping", rate=0.5, mode="replace"), pool).origin >= 20).all()
    with pytest.raises(ConfigError, match=r"poisoning rate 0\.6"):
        stage(make("svm_flipping", rate=0.6, mode="replace"), pool)
    assert (stage(make("svm_flipping", rate=0.9), pool).origin < 20).any()


@pytest.mark.parametrize("kind", KINDS)
def test_data_of_more_classes_needs_two_that_there_are(kind: str) -> None:
    with pytest.raises(ConfigError, match=r"the data has 4 classes[^|]*data\.classes"):
        stage(make(kind, rate=0.1), make_pool(rows=40))
    with pytest.raises(ConfigError, match="did you mean 'cat'"):
        make(kind, rate=0.1, between=["cut", "dog"]).check_classes(make_pool().classes)
    for names in (["cat"], ["cat", "cat"], ["cat", "dog", "bird"]):
        with pytest.raises(ConfigError, match="between names two classes"):
            make(kind, rate=0.1, between=names)


@pytest.mark.parametrize("kind", OPTIMIZING)
def test_too_few_clean_rows_to_work_against_are_refused(kind: str) -> None:
    with pytest.raises(ConfigError, match="clean rows to work against"):
        stage(make(kind, rate=1, mode="replace"), cloud_pool(8))
    with pytest.raises(ConfigError, match="clean rows to work against"):
        stage(make(kind, rate=0.25, held_out=0.9), cloud_pool(8))


def test_no_more_rows_are_worked_against_than_the_settings_say(monkeypatch: pytest.MonkeyPatch) -> None:
    from processing.attacks.common import two_classes

    seen: list[tuple[int, int]] = []

    class Counting(two_classes.Arena):
        def __init__(self, *given: Any) -> None:
            super().__init__(*given)
            seen.append((len(self.y), len(self.watched_y)))

    monkeypatch.setattr(two_classes, "Arena", Counting)
    stage(make("svm_optimal", rows=[0, 1], most_rows=20, steps=1), cloud_pool())
    stage(make("svm_optimal", rows=[0, 1], most_rows=20, steps=1, held_out=0.25), cloud_pool())
    stage(make("svm_optimal", rows=[0, 1], mode="replace", steps=1), cloud_pool())
    assert seen == [(20, 20), (15, 5), (38, 40)]
