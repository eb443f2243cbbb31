"""A recipe that cannot be staged is refused when its entry is read, before any job runs."""

from __future__ import annotations

import pytest

from boomerang.errors import ConfigError
from pipelines.campaign.entry import load

ROWS = 'rows=[1, 2, 8000], name="few"'


@pytest.mark.parametrize(
    ("attack", "said"),
    [
        ('kind="badnets", target="bird", rate=0', "greater than 0"),
        ('kind="badnets", target="bird", rate=1.5', "less than or equal to 1"),
        ('kind="badnets", target="bird", source="bird", rate=0.1', "both 'bird'"),
        ('kind="badnets", target="bird", rate=0.1, patch_px=33', "patch of 33 pixels"),
        ('kind="badnets", target="bird", rows=[4, 4]', "row 4 is named twice"),
        (f'kind="badnets", target="bird", {ROWS}', "attack 'few': row 8000: the training set has 8000"),
        ('kind="sig", target="bird", rate=0.0001, of="class"', "of 800 rows it is none"),
        ('kind="label_flip_targeted", source="cat", target="dog", rate=0.2, of="train"', "only 800 of one"),
        ('kind="hidden_trigger", source="dog", target="bird", rate=0.1, patch_px=40', "patch of 40 pixels"),
        ('kind="narcissus", target="bird", rate=0.5', "only 800 of one class can be taken"),
        (
            'kind="feature_collision", source="dog", target="bird", victims=20, poisons=50',
            "that takes 1000 rows of class 'bird', and 800 can be taken",
        ),
    ],
)
def test_what_config_and_sizes_tell_is_said_when_the_entry_is_read(attack: str, said: str) -> None:
    with pytest.raises(ConfigError) as error:
        load("default", [f"attacks=[{{{attack}}}]"])
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ((), "attack 'badnets': supplier 'supplier-9': the data has no suppliers"),
        (("data.suppliers=3",), "did you mean 'supplier-"),
    ],
)
def test_a_supplier_that_the_data_does_not_have_is_refused(data: tuple[str, ...], said: str) -> None:
    attack = 'attacks=[{kind="badnets", target="bird", rate=0.1, supplier="supplier-9"}]'
    with pytest.raises(ConfigError) as error:
        load("default", [attack, *data])
    assert said in str(error.value)
    (taken,) = load("default", [attack, "data.suppliers=9"]).attacks
    assert (taken.model_extra or {})["supplier"] == "supplier-9"


def test_what_just_fits_is_taken() -> None:
    flips = 'kind="label_flip_targeted", source="cat", target="dog", rate=0.1, of="train"'
    collision = 'kind="feature_collision", source="dog", target="bird", victims=16, poisons=50'
    assert len(load("default", [f"attacks=[{{{flips}}}, {{{collision}}}]"]).attacks) == 2
