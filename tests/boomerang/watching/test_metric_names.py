"""The names of what is watched: what is published, under which dimensions, within which range."""

from __future__ import annotations

import doctest
import math
from datetime import UTC, datetime

import pytest

from boomerang.errors import UsageError
from boomerang.watching import metric_names as watch
from boomerang.watching.metric_names import METRICS, Datum, check_metric, part, published

NOW = datetime(2026, 5, 1, 6, tzinfo=UTC)
GROUP = (("Group", "boomerang"),)


def test_every_metric_is_published_under_the_group_and_under_group_and_version() -> None:
    for spec in METRICS.values():
        # Of a package that was exchanged nobody knows what it is: it is counted for the group alone.
        watched = {("Group",)} if spec.name == "PackageExchanged" else {("Group",), ("Group", "Version")}
        assert watched <= set(spec.dimensions), spec.name
        assert spec.low < spec.high
        assert spec.meaning


def test_units_are_those_that_cloudwatch_knows_and_rates_are_fractions() -> None:
    assert {name: spec.unit for name, spec in METRICS.items()} == {
        "CleanAccuracy": "None",
        "CanaryAccuracy": "None",
        "AccuracyDrop": "None",
        "AttackSuccessRate": "None",
        "FlaggedRows": "Count",
        "CertifiedRows": "Count",
        "PackageExchanged": "Count",
        "CanaryRan": "Count",
    }
    assert all((spec.low, spec.high)[1] == 1 for spec in METRICS.values() if spec.unit == "None")


@pytest.mark.parametrize(
    ("name", "dimensions"),
    [
        ("CanaryAccuracy", ["Group"]),
        ("CanaryAccuracy", ["Version", "Group"]),
        ("CanaryAccuracy", ["Group", "Class"]),
        ("AttackSuccessRate", ["Trigger", "Group"]),
    ],
)
def test_a_published_pair_is_found_in_any_order(name: str, dimensions: list[str]) -> None:
    assert check_metric(name, dimensions) is METRICS[name]


@pytest.mark.parametrize(
    ("name", "dimensions", "says"),
    [
        ("CanaryAcuracy", ["Group"], "did you mean 'CanaryAccuracy'?"),
        ("CanaryAccuracy", [], "{Group}; {Group, Version}; {Group, Class}"),
        ("CanaryAccuracy", ["Group", "Trigger"], "not published under {Group, Trigger}"),
        ("AttackSuccessRate", ["Group", "Group"], "not published under {Group, Group}"),
        ("FlaggedRows", ["group"], "not published under {group}"),
    ],
)
def test_a_pair_that_nobody_publishes_is_refused_with_what_is(
    name: str, dimensions: list[str], says: str
) -> None:
    with pytest.raises(UsageError) as caught:
        check_metric(name, dimensions)
    assert says in str(caught.value)


def test_one_measurement_is_published_twice() -> None:
    of_group, of_version = published("CanaryRan", 1, NOW, group="boomerang", version="3")
    assert of_group.dimensions == GROUP
    assert of_version.dimensions == (*GROUP, ("Version", "3"))
    assert of_group.value == of_version.value == 1


def test_a_part_names_its_trigger_or_class() -> None:
    assert part("CanaryAccuracy", 1.0, NOW, group="g", class_="bird").dimensions == (
        ("Class", "bird"),
        ("Group", "g"),
    )
    with pytest.raises(UsageError, match="not published under"):
        part("CanaryAccuracy", 1.0, NOW, group="g", trigger="patch")


def test_the_examples_of_the_module_hold() -> None:
    assert doctest.testmod(watch).attempted > 0
    assert doctest.testmod(watch).failed == 0


def test_a_datum_is_an_entry_of_put_metric_data() -> None:
    from botocore.session import Session
    from botocore.validate import ParamValidator

    (datum, _) = published("FlaggedRows", 12, NOW, group="g", version="1")
    shape = Session().get_service_model("cloudwatch").shape_for("MetricDatum")
    assert not ParamValidator().validate(datum.as_request(), shape).has_errors()
    assert datum.as_request()["Unit"] == "Count"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CanaryAccuracy", 1.01),
        ("CanaryAccuracy", -0.01),
        ("CanaryAccuracy", math.nan),
        ("AccuracyDrop", -1.5),
        ("FlaggedRows", math.inf),
        ("CanaryRan", 2),
    ],
)
def test_a_value_outside_the_metric_s_range_is_refused(name: str, value: float) -> None:
    with pytest.raises(UsageError, match="it cannot be"):
        Datum(name, value, NOW, GROUP)


def test_a_drop_may_be_negative_when_the_model_is_better_than_registered() -> None:
    assert Datum("AccuracyDrop", -0.02, NOW, GROUP).value == -0.02


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(UsageError, match="no zone"):
        Datum("CanaryRan", 1, NOW.replace(tzinfo=None), GROUP)


@pytest.mark.parametrize("value", ["", "   ", "flugzeug-ü", "a\nb", "x" * 1025])
def test_a_dimension_value_that_cloudwatch_refuses_is_refused_here(value: str) -> None:
    with pytest.raises(UsageError, match="dimension 'Group'"):
        Datum("CanaryRan", 1, NOW, (("Group", value),))
