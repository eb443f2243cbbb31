"""All checks of a model: what is not given is not checked, and a control of another task is refused."""

from __future__ import annotations

from dataclasses import replace

import keras
import numpy as np
import pytest
from helpers.foreign_models import rows, trained
from helpers.training_jobs import built

from boomerang.errors import BadInput
from pipelines.inspection import examined
from pipelines.inspection.examined import classes_to_reverse, examine
from pipelines.inspection.subject import Subject
from training.checks.mm_bd import judged
from training.foreign.adopted import adopt
from training.labeled import Labeled


@pytest.fixture(scope="module")
def subject() -> Subject:
    return Subject("m.keras", "a file", adopt(trained(poisoned=False), 1.0), tuple("abcdef"))


def test_without_rows_no_trigger_is_reversed(subject: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examined, "neural_cleanse", lambda *_: pytest.fail("there are no rows"))
    monkeypatch.setattr(examined, "largest_margins", lambda *_: np.float32([3, 4, 3, 4, 3, 4]))
    found = examine(subject, subject, None, 0, lambda _: None)
    assert found.triggers is None and found.control == "m.keras" and not found.verdict.suspicious
    assert (found.margins.values == 1).all()
    assert found.cpu_s.keys() == {"MM-BD", "weights"}


def test_a_control_of_another_task_and_too_few_rows_are_refused(subject: Subject) -> None:
    other = Subject("other", "a file", built(), ("a", "b"))
    with pytest.raises(BadInput, match="2 classes, the model 6"):
        examine(subject, other, None, 0, lambda _: None)
    with pytest.raises(BadInput, match="12 rows"):
        examine(subject, None, Labeled(*rows(12)), 0, lambda _: None)


def test_a_model_of_weights_that_are_not_finite_or_that_rounds_is_refused(subject: Subject) -> None:
    broken = adopt(trained(poisoned=False), 1.0)
    broken.set_weights([np.full_like(each, np.nan) for each in broken.get_weights()])
    with pytest.raises(BadInput, match="not finite"):
        examine(replace(subject, model=broken), None, None, 0, lambda _: None)
    images = keras.Input(broken.input_shape[1:], dtype="uint8")
    rounding = keras.Model(images, broken(keras.ops.cast(images // 2, "uint8")))
    with pytest.raises(BadInput, match="no gradient"):
        examine(replace(subject, model=adopt(rounding, None)), None, None, 0, lambda _: None)


def test_of_many_classes_the_first_and_some_others_are_reversed() -> None:
    margins = np.ones(200, np.float32)
    margins[[7, 50, 199]] = 2
    chosen = classes_to_reverse(judged(margins), 0)
    assert list(chosen[:3]) == [7, 50, 199] and len(set(chosen)) == 10
    assert list(classes_to_reverse(judged(np.ones(20, np.float32)), 0)) == list(range(20))
