"""What holds of every detector, by its kind: a new one is put through this without a line here."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
from helpers.records import drawn_record
from helpers.suspects import make_suspect, with_features

from boomerang.config import Spec
from boomerang.errors import ConfigError
from pipelines.campaign.sections import ScreenConfig
from processing.defenses.common.base import Detector, Finding, Suspect
from processing.defenses.screening import DETECTORS

every_kind = pytest.mark.parametrize("kind", DETECTORS)


def example(kind: str) -> Detector:
    """The detector with the settings that it names for tests."""
    return DETECTORS.create(Spec(kind=kind, **DETECTORS[kind].example))


def assert_same(one: Finding, other: Finding) -> None:
    assert np.array_equal(one.scores, other.scores) and np.array_equal(one.flagged, other.flagged)
    assert one.threshold == other.threshold and one.notes == other.notes


@every_kind
def test_a_kind_says_what_it_is_and_who_published_it(kind: str) -> None:
    made = DETECTORS.create(Spec(kind=kind))
    assert type(made) is DETECTORS[kind] and made.kind == kind
    assert made.title and (type(made).__doc__ or "").strip()
    assert any(character.isdigit() for character in made.source), "a source names its year"


@every_kind
def test_every_setting_has_a_default_and_is_described(kind: str) -> None:
    text = DETECTORS[kind].__doc__ or ""
    for name, field in DETECTORS[kind].model_fields.items():
        assert not field.is_required(), name
        assert name == "kind" or name in text, f"say what `{name}` means"


@every_kind
def test_a_finding_says_something_of_every_row(kind: str) -> None:
    data, _ = make_suspect()
    before = data.x.copy(), data.y.copy()
    finding = example(kind).screen(data)
    assert finding.scores.shape == finding.flagged.shape == data.y.shape
    assert finding.scores.dtype == np.float64 and finding.flagged.dtype == np.bool_
    assert np.isfinite(finding.scores).all()
    if finding.threshold is not None:
        assert np.array_equal(finding.flagged, finding.scores > finding.threshold)
    assert json.loads(json.dumps(finding.notes, allow_nan=False)) == finding.notes
    assert np.array_equal(data.x, before[0]) and np.array_equal(data.y, before[1])


@every_kind
def test_what_is_decided_rests_on_what_was_scored_alone(kind: str) -> None:
    """GIVEN the scores alone THEN what is decided is what the screen says, again and again."""
    data, _ = make_suspect()
    detector = example(kind)
    scored = detector.score(data)
    scores = scored.scores.copy()
    first, second = detector.decide(scored), detector.decide(scored)
    assert_same(first, second)
    assert_same(first, detector.screen(data))
    assert np.array_equal(scored.scores, scores) and np.array_equal(first.scores, scores)


@every_kind
def test_the_same_suspect_gives_the_same_finding(kind: str) -> None:
    for seed in (0, 5):
        data = replace(make_suspect()[0], seed=seed)
        assert_same(example(kind).screen(data), example(kind).screen(replace(data)))


@every_kind
def test_a_row_that_was_set_aside_is_scored_all_the_same(kind: str) -> None:
    data, poisoned = make_suspect()
    finding = example(kind).screen(data.without(poisoned))
    assert finding.scores.shape == data.y.shape and np.isfinite(finding.scores).all()


@every_kind
@pytest.mark.parametrize("trusted", [0, 3])
def test_hardly_any_trusted_row_is_no_accident(kind: str, trusted: int) -> None:
    data, _ = make_suspect()
    few = with_features(data.features, data.y, data.trusted_features[:trusted], data.trusted_y[:trusted])
    assert np.isfinite(example(kind).screen(few).scores).all()


@every_kind
def test_what_its_training_saw_of_the_rows_is_no_accident(kind: str) -> None:
    """GIVEN a victim with a record THEN every row has a finite score, and the same one again."""
    data, _ = make_suspect()
    data = replace(data, victim=replace(data.victim, record=drawn_record(data.y, data.trusted_y)))  # type: ignore[type-var]
    assert_same(example(kind).screen(data), example(kind).screen(replace(data)))
    assert np.isfinite(example(kind).screen(data.without(data.y == 0)).scores).all()


@every_kind
def test_a_class_of_one_row_or_none_is_no_accident(kind: str) -> None:
    data, _ = make_suspect(poison=0)
    some = np.concatenate([np.flatnonzero(data.y < 2), np.flatnonzero(data.y == 2)[:1]])
    small = with_features(data.features[some], data.y[some], data.trusted_features, data.trusted_y)
    finding = example(kind).screen(small)
    assert finding.scores.shape == small.y.shape and np.isfinite(finding.scores).all()


@every_kind
def test_with_trusted_rows_enough_nothing_is_out_of_reach_but_small_clusters(kind: str) -> None:
    said = example(kind).needs(4000, 4)
    assert not said or kind == "activation_clustering"


@every_kind
def test_too_few_trusted_rows_are_said_before_a_run_as_after_it(kind: str) -> None:
    detector, (bare, _) = example(kind), make_suspect(rows=80, trusted=40)
    data = replace(bare, victim=replace(bare.victim, record=drawn_record(bare.y, bare.trusted_y)))  # type: ignore[type-var]
    if detector.stated_fpr is not None:
        (said, *_) = detector.needs(40, 4)
        assert "40 trusted rows cannot tell what is rare, 199 are needed" in said
        assert any("199 are needed for max_fpr" in each for each in detector.screen(data).warnings)
        assert detector.needs(40, None) == (said,)


def test_the_detectors_of_the_default_config_exist() -> None:
    for spec in ScreenConfig().detectors:
        assert DETECTORS.create(spec).kind == spec.kind


def test_settings_reach_the_detector() -> None:
    made: Any = DETECTORS.create(Spec(kind="spectral_signatures", eps=0.1))
    assert made.eps == 0.1


def test_an_unknown_kind_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match="did you mean 'spectral_signatures'"):
        DETECTORS.create(Spec(kind="spectral_signature"))


def test_an_unknown_setting_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match="did you mean 'dimensions'"):
        DETECTORS.create(Spec(kind="activation_clustering", dimension=5))


@pytest.mark.parametrize("settings", [{"rule": "best"}, {"max_fpr": 0}, {"eps": 0.7}, {"whiten": True}])
def test_a_wrong_value_is_refused(settings: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        DETECTORS.create(Spec(kind="spectral_signatures", **settings))


def test_a_detector_sees_neither_truth_nor_trigger_nor_test_set() -> None:
    seen = {field.name for field in fields(Suspect)}
    given = {"x", "y", "trusted_x", "trusted_y", "classes", "victim", "seed", "found"}
    past = {"reference", "past_x", "past_y", "past_rows"}
    assert seen == given | past | {"sources", "source_names", "vouched"}
