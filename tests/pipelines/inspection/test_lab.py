"""The laboratory measures what it says, on rows that no repair has seen."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from helpers.foreign_models import TARGET, rows, trained, triggered

from boomerang.errors import BadInput, ConfigError
from pipelines.inspection.lab import Lab, experiment, repairs
from training.foreign.adopted import adopt
from training.labeled import Labeled
from training.model import classifier
from training.repair.common.bench import Bench

CLEAN, NAMES = rows(120, seed=7), tuple("abcdef")
TRIGGERED = triggered(rows(60, seed=8))
SEEN: list[Labeled] = []


def forget(model: Any, bench: Bench) -> Any:
    """Make every weight zero."""
    SEEN.append(bench.trusted)
    model.set_weights([np.zeros_like(each) for each in model.get_weights()])
    return model


def refuse(model: Any, bench: Bench) -> Any:
    raise ConfigError("the repair", "there is no batch norm", "")


def break_down(model: Any, bench: Bench) -> Any:
    raise ZeroDivisionError("of a foreign network")


@pytest.fixture(scope="module")
def model() -> Any:
    return adopt(trained(poisoned=True), 1.0)


@pytest.fixture(scope="module")
def lab(model: Any) -> Lab:
    tried = [("forgetting", forget), ("refusing", refuse), ("breaking", break_down)]
    return experiment(model, CLEAN, TRIGGERED, NAMES, 0, lambda _: None, tried)


def test_the_model_is_measured_as_it_is_and_not_changed(model: Any, lab: Lab) -> None:
    first = lab.models[0]
    assert first.accuracy is not None and first.asr is not None
    assert (first.accuracy.total, first.asr.total) == (60, len(TRIGGERED.y))
    assert first.accuracy.value and first.accuracy.value > 0.9
    asr = np.mean(classifier(model)(TRIGGERED.x).argmax(1) == TARGET)
    assert first.asr.value == pytest.approx(asr) and asr > 0.9


def test_a_repair_is_measured_on_rows_that_it_was_not_given(lab: Lab) -> None:
    forgotten = next(each for each in lab.models if each.title == "forgetting")
    assert forgotten.accuracy is not None and forgotten.accuracy.value < 0.4
    (trusted,) = SEEN
    assert len(trusted.y) == lab.rows["trusted"] == 60 and lab.rows["clean"] == 60
    assert len(np.unique(np.concatenate([trusted.x, CLEAN.x]), axis=0)) == len(CLEAN.y)


def test_a_repair_that_cannot_work_stops_no_other(lab: Lab) -> None:
    notes = {each.title: each.note for each in lab.models if each.accuracy is None}
    assert notes.keys() == {"refusing", "breaking"}
    assert "no batch norm" in notes["refusing"] and "ZeroDivisionError" in notes["breaking"]


def test_the_curve_begins_with_the_model_and_ends_with_nothing_of_the_layer(lab: Lab) -> None:
    assert lab.layer == "seen" and lab.cut[0] == 0 and lab.cut[-1] == 8
    first = lab.models[0]
    assert first.accuracy is not None and first.asr is not None
    assert (lab.accuracy[0], lab.asr[0]) == pytest.approx((first.accuracy.value, first.asr.value))
    assert lab.accuracy[-1] < 0.4


def test_goodnet_refuses_where_the_pruned_one_disagrees_and_gains_nothing_by_it(lab: Lab) -> None:
    first, *nets = [each for each in lab.models if each.title == "as it is" or "GoodNet" in each.title]
    assert len(nets) == 3
    for net in nets:
        assert net.accuracy and net.refused_clean and net.refused_triggered and first.accuracy
        assert net.accuracy.successes <= first.accuracy.successes
        assert net.refused_clean.successes + net.accuracy.successes <= net.accuracy.total


def test_real_repairs_are_found_and_go_through_few_rows_as_often_as_they_like() -> None:
    titles = [title for title, _ in repairs(500)]
    assert "channel pruning" in titles and len(titles) >= 3


def test_one_row_is_not_enough(model: Any) -> None:
    one = Labeled(CLEAN.x[:1], CLEAN.y[:1])
    with pytest.raises(BadInput, match="one row"):
        experiment(model, one, TRIGGERED, NAMES, 0, lambda _: None, [])
