"""The configuration: typed, strict, and helpful when it is wrong."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boomerang.config import Spec, as_hyperparameters, from_hyperparameters, validate
from boomerang.errors import ConfigError
from boomerang.settings import TrainConfig, TrainSettings
from pipelines.campaign.sections import Config


def test_a_settings_model_survives_a_round_trip() -> None:
    settings = validate(TrainSettings, {"seed": 1, "model": {}, "train": {"epochs": 2}}, where="here")
    assert validate(TrainSettings, settings.model_dump(mode="json"), where="here") == settings


def test_nothing_can_be_changed_after_it_was_checked() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Config().seed = 3  # type: ignore[misc]  # that is the point


TEXTS = st.text(st.characters(codec="utf-8"), max_size=8)
PLAIN = st.none() | st.booleans() | st.integers(-9, 9) | TEXTS | st.sampled_from(["1", "true", "null", '"x"'])


@given(
    st.dictionaries(TEXTS.filter(lambda key: "." not in key), PLAIN | st.lists(PLAIN, max_size=3), max_size=4)
)
def test_hyperparameters_are_texts_that_read_back_as_what_they_were(more: dict[str, object]) -> None:
    spec = Spec.model_validate({**more, "kind": "1"})
    texts = as_hyperparameters(spec)
    assert all(isinstance(text, str) for text in texts.values())
    assert from_hyperparameters(Spec, texts) == spec


def test_settings_that_do_not_fit_each_other_are_named_once() -> None:
    with pytest.raises(ConfigError) as told:
        validate(TrainConfig, {"epochs": 3, "sizes": [16, 32]}, where="[train]")
    assert str(told.value).startswith("[train]: sizes has 2 values for 3 epochs")
