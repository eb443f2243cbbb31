"""What clean-label backdoors share: rows of the target class, whose label stays."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np
import pytest
from helpers.attack_pools import make_pool

from boomerang.errors import ConfigError
from boomerang.manifest import Images
from processing.attacks.common.clean_backdoor import CleanBackdoor
from processing.attacks.common.deeds import Facts
from processing.attacks.common.pool import Batch, Pool, Props


class Whitened(CleanBackdoor):
    """The least of one: the trigger is a white pixel."""

    title = "white pixel"
    example: ClassVar = {}

    kind: Literal["whitened"] = "whitened"

    def poison(self, pool: Pool, rng: np.random.Generator) -> Batch:
        rows = self.rows_of(pool, rng)
        return self.changed_rows(pool, rows, self.stamp(pool.x[rows], {}))

    def stamp(self, x: Images, props: Props) -> Images:
        stamped = x.copy()
        stamped[:, 0, 0] = 255
        return stamped

    def means(self) -> str:
        return "made white in a corner"


def staged(**settings: Any) -> Batch:
    return Whitened(target="bird", **settings).poison(make_pool(), np.random.default_rng(0))


@pytest.mark.parametrize(("of", "rate", "count"), [("class", 0.2, 10), ("train", 0.1, 20)])
def test_distinct_rows_of_the_target_are_taken_and_keep_their_label(of: str, rate: float, count: int) -> None:
    batch = staged(rate=rate, of=of)
    assert len(set(batch.replaced)) == len(batch.x) == count
    assert np.array_equal(batch.origin, batch.replaced)
    assert (batch.y == 1).all() and (batch.y_true == 1).all()
    assert (batch.x[:, 0, 0] == 255).all()


def test_rows_may_be_named_and_are_of_the_target() -> None:
    assert staged(rows=(5, 1)).replaced.tolist() == [1, 5]
    with pytest.raises(ConfigError, match="it is 'cat', and the attack takes rows of class 'bird'"):
        staged(rows=(1, 2))


def test_more_than_the_class_has_is_refused() -> None:
    with pytest.raises(ConfigError, match="only 50 of class 'bird' can be taken"):
        staged(rate=0.3, of="train")


def test_source_and_target_differ() -> None:
    with pytest.raises(ValueError, match="source and target are both 'bird'"):
        Whitened(target="bird", source="bird", rate=0.1)


def test_its_deed_says_that_the_label_is_right() -> None:
    assert Whitened(target="bird", rate=0.1).deed(Facts(5)) == (
        "5 “bird” pictures made white in a corner; they keep their label, which is right."
    )
