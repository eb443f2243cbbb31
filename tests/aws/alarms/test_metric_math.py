"""The metric math that alarms use here, by the rules of "Using metric math" in the CloudWatch guide."""

from __future__ import annotations

import pytest

from aws.alarms.metric_math import compute
from aws.alarms.series import Series
from boomerang.errors import BadInput

KNOWN: dict[str, Series] = {
    "m1": (1.0, None, 3.0, None),
    "m2": (2.0, 5.0, None, None),
    "e1": (9.0, 0.0, 9.0, None),
}
METRICS = ("m1", "m2")


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("m1", (1.0, None, 3.0, None)),
        ("MAX([m1, m2])", (2.0, 5.0, 3.0, None)),
        ("MAX(METRICS())", (2.0, 5.0, 3.0, None)),
        ("FILL(m1, 0)", (1.0, 0.0, 3.0, 0.0)),
        ("FILL(e1, 7)", (9.0, 0.0, 9.0, 7.0)),
        ("FILL(m1, -1.5)", (1.0, -1.5, 3.0, -1.5)),
        ("MAX(FILL(METRICS(), 0))", (2.0, 5.0, 3.0, 0.0)),
        ("FILL(MAX([m1, m2]), 1)", (2.0, 5.0, 3.0, 1.0)),
        # "Missing values in a time series are treated as 0."
        ("m1 + m2", (3.0, 5.0, 3.0, None)),
        ("m1 - m2", (-1.0, -5.0, 3.0, None)),
        # "If ... to divide by zero, the data point is dropped."
        ("m1 / m2", (0.5, 0.0, None, None)),
        ("1 - m1", (0.0, None, -2.0, None)),
        ("-m1", (-1.0, None, -3.0, None)),
        ("2 * (m1 + 1)", (4.0, None, 8.0, None)),
        ("m1 + 2 * 3 - 4 / 2", (5.0, None, 7.0, None)),
        ("100*m1", (100.0, None, 300.0, None)),
    ],
)
def test_an_expression_gives_one_point_a_period(expression: str, expected: Series) -> None:
    assert compute(expression, KNOWN, METRICS) == expected


@pytest.mark.parametrize(
    ("expression", "says"),
    [
        ("IF(m1 > 1, 1, 0)", "'IF'"),
        ("AVG(METRICS())", "'AVG'"),
        ("ANOMALY_DETECTION_BAND(m1)", "'ANOMALY_DETECTION_BAND'"),
        ("SEARCH('x', 'Average')", "'SEARCH'"),
        ("m1 > 2", "'>'"),
        ("m1 ^ 2", "'^'"),
        ("FILL(m1, REPEAT)", "'REPEAT'"),
        ("FILL(m1, LINEAR)", "'LINEAR'"),
        ("FILL(m1, m2)", "a number"),
        ("FILL(3, 0)", "time series"),
        ("MAX(m1)", "over all retrieved points"),
        ("METRICS()", "several time series"),
        ("METRICS() * 2", "on arrays"),
        ("[m1, m2]", "several time series"),
        ("[m1, 2]", "only time series"),
        ("5", "a number"),
        ("1 / 0", "by 0"),
        ("m3", "'m3'"),
        ("m1 m2", "the end"),
        ("MAX([m1, m2]", "')'"),
        ("", "''"),
        ("m1 +", "''"),
        ("max([m1, m2])", "'max'"),
    ],
)
def test_what_the_evaluator_does_not_know_is_refused_by_its_name(expression: str, says: str) -> None:
    with pytest.raises(BadInput) as caught:
        compute(expression, KNOWN, METRICS)
    assert says in caught.value.why
