"""The registry: every detector by its kind, settings checked, and what a detector may see."""

from __future__ import annotations

from dataclasses import fields

import pytest

from boomerang.config import Spec
from boomerang.errors import ConfigError
from pipelines.campaign.config import ScreenConfig
from processing.defenses.screening import DETECTORS, Detector, Suspect, create
from processing.defenses.screening.spectral_signatures import SpectralSignatures


@pytest.mark.parametrize(("kind", "detector"), DETECTORS.items())
def test_a_kind_makes_its_detector_with_a_title_and_a_source(kind: str, detector: type[Detector]) -> None:
    made = create(Spec(kind=kind))
    assert type(made) is detector
    assert made.kind == kind
    assert made.title
    assert any(character.isdigit() for character in made.source), "a source names its year"


def test_the_detectors_of_the_default_config_exist() -> None:
    assert [create(spec).kind for spec in ScreenConfig().detectors] == list(DETECTORS)


def test_settings_reach_the_detector() -> None:
    assert create(Spec.model_validate({"kind": "spectral_signatures", "eps": 0.1})) == SpectralSignatures(
        eps=0.1
    )


def test_an_unknown_kind_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match="did you mean 'spectral_signatures'"):
        create(Spec(kind="spectral_signature"))


def test_an_unknown_setting_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match="did you mean 'dimensions'"):
        create(Spec.model_validate({"kind": "activation_clustering", "dimension": 5}))


@pytest.mark.parametrize("settings", [{"rule": "best"}, {"max_fpr": 0}, {"eps": 0.7}, {"whiten": True}])
def test_a_wrong_value_is_refused(settings: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        create(Spec.model_validate({"kind": "spectral_signatures", **settings}))


def test_a_detector_sees_neither_truth_nor_trigger_nor_test_set() -> None:
    seen = {field.name for field in fields(Suspect)}
    assert seen == {"x", "y", "trusted_x", "trusted_y", "classes", "embed", "seed", "found"}
