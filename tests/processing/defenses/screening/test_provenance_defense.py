"""The provenance defense: a supplier of wrong labels is found, a backdoor is not; ART's stops."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from helpers.art_models import art
from helpers.planted import flipped, overlapping, supplied
from helpers.suspects import art_poison_detector, make_suspect, with_features

from processing.defenses.screening.provenance_defense import ProvenanceDefense, Removal


def test_a_supplier_of_whom_two_labels_of_five_are_wrong_is_flagged_whole() -> None:
    data, poisoned = flipped(rows=80)
    data = supplied(data, poisoned)
    finding = ProvenanceDefense(draws=4).screen(data)
    assert data.sources is not None and np.array_equal(finding.flagged, data.sources == 1)
    found = finding.notes["sources"]["supplier-2"]
    assert found["rows"] == 200 and found["flagged"] and found["gain"] > 0
    assert sum(each["flagged"] for each in finding.notes["sources"].values()) == 1


def test_a_backdoor_leaves_the_accuracy_as_it_is_so_its_supplier_is_not_found() -> None:
    data, poisoned = make_suspect(poison=80)
    assert not ProvenanceDefense(draws=4).screen(supplied(data, poisoned)).flagged.any()


def test_of_clean_suppliers_none_goes_by_our_rule_and_some_go_by_the_papers() -> None:
    """Where classes overlap, taking out any rows changes the accuracy, and the paper's rule fires."""
    data = overlapping()
    data = supplied(data, np.zeros(len(data.y), bool))
    assert not ProvenanceDefense().screen(data).flagged.any()
    assert ProvenanceDefense(rule="paper", measure="accuracy").screen(data).flagged.any()


def test_the_papers_rule_flags_by_the_gain_alone() -> None:
    data, poisoned = flipped(rows=80)
    data = supplied(data, poisoned)
    finding = ProvenanceDefense(rule="paper", eps=0.02).screen(data)
    assert np.array_equal(finding.flagged, data.sources == 1) and finding.threshold == 0.02
    assert not ProvenanceDefense(rule="paper", eps=1e3).screen(data).flagged.any()


def test_rows_of_nobody_are_a_source_more() -> None:
    data, poisoned = flipped(rows=80)
    data = supplied(data, poisoned)
    assert data.sources is not None
    nobody = replace(data, sources=np.where(data.sources == 1, -1, data.sources))
    finding = ProvenanceDefense(draws=4).screen(nobody)
    assert finding.notes["sources"]["nobody"]["flagged"] and "supplier-2" not in finding.notes["sources"]
    assert np.array_equal(finding.flagged, data.sources == 1)


def test_a_gain_is_measured_in_standard_deviations_of_what_chance_gives() -> None:
    assert Removal(np.arange(3), 0.7, np.array([0.1, 0.3])).deviations == pytest.approx(0.5 / np.sqrt(0.02))
    assert Removal(np.arange(3), 0.5, np.zeros(2)).deviations == pytest.approx(5000)


@pytest.mark.parametrize(
    ("sources", "trusted", "said"),
    [(False, 400, "not known who delivered"), (True, 400, "from one source"), (True, 0, "no trusted row")],
)
def test_what_it_cannot_measure_flags_nothing_and_it_says_so(sources: bool, trusted: int, said: str) -> None:
    data, poisoned = flipped(rows=80)
    data = with_features(data.features, data.y, data.trusted_features[:trusted], data.trusted_y[:trusted])
    if sources:
        data = supplied(data, poisoned)
        data = data if trusted == 0 else replace(data, sources=np.zeros(len(data.y), np.int64))
    finding = ProvenanceDefense().screen(data)
    assert not finding.flagged.any() and not finding.scores.any() and said in finding.warnings[0]


def art_defense(x: Any) -> Any:
    """ART's, of four sources of 200 rows in turn and two classes, with trusted rows."""
    from sklearn.linear_model import LogisticRegression

    classifier = art("estimators.classification.scikitlearn").SklearnClassifier(LogisticRegression())
    y, sources = np.eye(2)[np.arange(200) % 2], np.eye(4)[np.arange(200) % 4]
    made = art_poison_detector("provenance_defense").ProvenanceDefense
    return made(classifier, x, y, sources, x_val=x[:20], y_val=y[:20])


def test_arts_takes_values_for_rows_and_keeps_no_image_of_8_bits() -> None:
    images = np.random.default_rng(0).integers(0, 256, (200, 64)) / 255
    kept, _ = art_defense(images).filter_input(images, np.zeros(200), images[:50])
    assert len(kept) == 0
    with pytest.raises(ValueError, match="0 sample"):
        art_defense(images).detect_poison()


def test_arts_default_stops_at_its_own_labels() -> None:
    with pytest.raises(ValueError, match="can't handle a mix"):
        art_defense(np.random.default_rng(0).standard_normal((200, 4))).detect_poison()
