"""Pictures of a case: evenly chosen rows with what each model calls them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from boomerang.formats.evaluation import Picture
from processing.attacks.common.trial import Trial
from processing.evaluation.canaries import Canaries
from processing.evaluation.evidence import evenly, pictures_of

CLASSES = ("cat", "dog")
SHAPE = (4, 4, 3)
# Of two detectors: two rows of the attack, and a clean one that both flag.
FLAGGED = np.array([np.isin(np.arange(30), rows) for rows in ([2, 25], [4, 25])])


def says(*probabilities: float) -> Any:
    """A model that answers every image alike."""
    answer = np.array(probabilities, np.float32)
    return SimpleNamespace(ask=lambda x: np.tile(answer, (len(x), 1)))


def case(**subjects: Any) -> Any:
    """A case of thirty training rows, of which twenty are of one attack, and no photographs."""
    y = np.arange(30) % 2
    x = np.arange(30, dtype=np.uint8)[:, None, None, None] * np.ones(SHAPE, np.uint8)
    attack_of = np.array([1] * 20 + [0] * 10, np.int8)
    return SimpleNamespace(
        subjects=subjects,
        train=SimpleNamespace(x=x, y=y),
        test=SimpleNamespace(classes=CLASSES),
        truth=SimpleNamespace(attack_of=attack_of, y_true=1 - y),
        attack_names=("patch",),
        screened=SimpleNamespace(
            keep=~FLAGGED.any(0),
            flagged=FLAGGED,
            detectors=[SimpleNamespace(name="a", title="near"), SimpleNamespace(name="far", title="")],
        ),
        triggers=(),
        photos={},
    )


def shown(**subjects: Any) -> dict[str, Picture]:
    x = np.zeros((3, *SHAPE), np.uint8)
    trial = Trial("patch", "badnets", "backdoor", 1, x + 9, x, np.array([0, 0, 0]))
    canaries = Canaries(x[:1], np.array([1]), ("records/7",))
    found = pictures_of(case(**subjects), [trial], canaries)
    return {picture.group.id: picture for picture in found}


def test_rows_are_taken_at_even_steps() -> None:
    assert evenly(3, 5).tolist() == [0, 1, 2]
    assert evenly(9, 3).tolist() == [0, 4, 8]


def test_poison_triggers_and_canaries_are_shown_with_every_model_s_call() -> None:
    pictures = shown(baseline=says(0.9, 0.1), victim=says(0.25, 0.75))
    assert list(pictures) == [
        "poisoned:patch",
        "missed:rows",
        "taken:rows",
        "triggered:patch",
        "canaries:frozen",
    ]
    poisoned, triggered = pictures["poisoned:patch"], pictures["triggered:patch"]
    assert [item.id for item in poisoned.group.items[:2]] == ["row 0", "row 2"] and len(poisoned.x) == 12
    first = poisoned.group.items[0]
    assert (first.given, first.right) == ("cat", "dog")
    assert first.calls == {"baseline": "cat", "victim": "dog"}
    assert first.confidence == {"baseline": 0.9, "victim": 0.75}
    assert triggered.before is not None and not triggered.before.any() and (triggered.x == 9).all()
    assert pictures["canaries:frozen"].group.items[0].id == "records/7"


def test_what_the_screen_missed_is_shown_and_what_it_took_out_wrongly() -> None:
    pictures = shown(baseline=says(0.9, 0.1))
    missed, taken = pictures["missed:rows"].group.items, pictures["taken:rows"].group.items
    assert len(missed) == 12 and missed[0].id == "row 0, patch"
    assert not {"row 2, patch", "row 4, patch"} & {item.id for item in missed}
    assert [item.id for item in taken] == ["row 25, by near and far"]


def test_a_model_that_answers_nan_calls_a_picture_nothing() -> None:
    items = shown(baseline=says(np.nan, np.nan))["canaries:frozen"].group.items
    assert items[0].calls == {"baseline": "no answer"} and items[0].confidence == {"baseline": 0.0}
