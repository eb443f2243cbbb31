"""The gate's limits as arguments of the job; the numbers themselves are counted again in test_range."""

from __future__ import annotations

import pytest

from boomerang.errors import UsageError
from boomerang.gate import GateConfig
from processing.evaluate import limits_from, versions


def test_every_limit_can_be_given() -> None:
    arguments = [f"--{name.replace('_', '-')}=1" for name in GateConfig.model_fields]
    assert set(limits_from(arguments).model_dump().values()) == {1}


def test_a_limit_that_is_not_given_is_the_default() -> None:
    assert limits_from(["--max-turned", "0.5"]) == GateConfig(max_turned=0.5)


@pytest.mark.parametrize("arguments", [["--max-turn", "0.5"], ["--max-turned", "half"], ["stray"]])
def test_a_wrong_argument_is_a_usage_error(arguments: list[str]) -> None:
    with pytest.raises(UsageError):
        limits_from(arguments)


def test_the_versions_name_what_the_numbers_depend_on() -> None:
    assert {"python", "keras", "numpy"} <= versions().keys()
