"""An attack is staged on pictures that come with the project, whatever it needs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from helpers.attack_pools import add_kind

from pipelines.catalogue.sample import staged

SMEARS = '''
from typing import ClassVar, Literal

import numpy as np

from processing.attacks.common.base import Attack
from processing.attacks.common.pool import Batch


class Smears(Attack):
    """It asks a model like the victim, and has a trigger of its own that it keeps."""

    title = "smears"
    outcome = "backdoor"
    needs = ("surrogate",)
    keeps_labels = True
    example: ClassVar = {"target": "bird"}

    kind: Literal["smears"] = "smears"
    target: str

    def poison(self, pool, rng):
        rows = pool.free[pool.y[pool.free] == pool.label(self.target)][:9]
        answers = pool.surrogate.answer(pool.x[rows])
        kept = {"shift": np.uint8([3 + (answers.argmax(axis=1) == 1).sum()])}
        x = pool.x[rows] // 2 + kept["shift"]
        return Batch(rows, x, pool.y[rows], rows, pool.y[rows], kept)

    def stamp(self, x, props):
        return x // 2 + props["shift"]
'''


def test_a_trigger_is_shown_in_training_and_as_the_model_is_asked() -> None:
    found = staged("badnets")
    assert found.title == "badnets: BadNets patch" and len(found.rows) == 8
    for shown in found.rows:
        assert shown.before is not None and shown.before.shape == (32, 32, 3)
        changed = (shown.before != shown.after).any(axis=2)
        assert changed[-3:, -3:].any() and not changed[:-3].any() and not changed[:, :-3].any()
    words = [shown.words for shown in found.rows]
    assert all(each.endswith(", called bird") and not each.startswith("bird") for each in words[:6])
    assert all(each.endswith(", as the model is asked") for each in words[6:])


def test_pictures_from_outside_have_nothing_before() -> None:
    found = staged("mislabel")
    assert [shown.before for shown in found.rows] == [None] * 6
    assert {shown.words for shown in found.rows} == {"airplane, called bird"}


def test_where_labels_alone_move_images_are_as_they_were() -> None:
    found = staged("label_flip_random")
    assert len(found.rows) == 6
    for shown in found.rows:
        assert shown.before is not None and np.array_equal(shown.before, shown.after)
        true, _, given = shown.words.partition(", called ")
        assert true != given != "so"


@pytest.mark.whole
def test_an_attack_that_needs_a_model_gets_one_that_was_trained(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    add_kind(monkeypatch, tmp_path, "smears", SMEARS)
    found = staged("smears")
    assert len(found.rows) == 8 and found.rows[0].words == "bird, called so"
    before, after = found.rows[0].before, found.rows[0].after
    assert before is not None
    (shift,) = np.unique(after - before // 2)
    assert shift - 3 >= 5, "the model knows most of the nine birds that it has learned"
