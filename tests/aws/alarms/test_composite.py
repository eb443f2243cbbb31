"""Composite alarms: the rule's language, and AWS's six examples of the suppression of actions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aws.alarms.alarm import State
from aws.alarms.composite import CompositeAlarm, Suppression, alarm_name, read_composite, read_rule
from boomerang.errors import BadInput

OK, ALARM, INSUFFICIENT = State.OK, State.ALARM, State.INSUFFICIENT_DATA
STATES = {"a": ALARM, "b": OK, "c": INSUFFICIENT, "with (space)": ALARM}


@pytest.mark.parametrize(
    ("rule", "holds"),
    [
        ("ALARM(a)", True),
        ('ALARM("a")', True),
        ('ALARM( "b" )', False),
        ("OK(b)", True),
        ("INSUFFICIENT_DATA(c)", True),
        ("INSUFFICIENT_DATA(a)", False),
        ('ALARM("with (space)")', True),
        ("ALARM(arn:aws:cloudwatch:us-east-1:123456789012:alarm:a)", True),
        ("TRUE", True),
        ("FALSE", False),
        ("NOT FALSE", True),
        ("NOT NOT ALARM(a)", True),
        ("ALARM(a) AND NOT ALARM(b)", True),
        ("ALARM(b) OR ALARM(c) OR ALARM(a)", True),
        ("ALARM(a) AND ALARM(b)", False),
        ("(ALARM(a) OR ALARM(b)) AND OK(b)", True),
        ("(ALARM(a) OR ALARM(b)) AND NOT (OK(b) AND TRUE)", False),
        ("\n  (ALARM(a)\n   OR ALARM(b))\n", True),
    ],
)
def test_a_rule_is_read_and_holds(rule: str, holds: bool) -> None:
    assert read_rule(rule).holds(STATES) is holds


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ("ALARM(a) AND ALARM(b) OR ALARM(c)", "no precedence"),
        ("ALARM(a) OR ALARM(b) AND ALARM(c)", "no precedence"),
        ("AT_LEAST(2, ALARM, (a, b))", "'AT_LEAST'"),
        ("alarm(a)", "'alarm'"),
        ("ALARM a", "'a'"),
        ("ALARM(a", "')'"),
        ("(ALARM(a)", "')'"),
        ("ALARM(a))", "the end"),
        ("ALARM(a) ALARM(b)", "the end"),
        ("ALARM(a) AND", "''"),
        ("", "''"),
    ],
)
def test_a_rule_that_cannot_be_read_is_refused(rule: str, says: str) -> None:
    with pytest.raises(BadInput) as caught:
        read_rule(rule)
    assert says in caught.value.why


def test_a_rule_names_its_alarms_and_counts_its_elements() -> None:
    rule = read_rule('(ALARM("a") OR ALARM("b")) AND NOT ALARM("a") AND TRUE')
    assert rule.alarms == ("a", "b")
    assert rule.elements == 5  # three functions, TRUE, one pair of parentheses


@given(st.dictionaries(st.sampled_from("abc"), st.sampled_from(list(State)), min_size=3))
def test_not_turns_every_rule_around(states: dict[str, State]) -> None:
    text = "(ALARM(a) OR OK(b)) AND (INSUFFICIENT_DATA(c) OR ALARM(b))"
    assert read_rule(f"NOT ({text})").holds(states) is not read_rule(text).holds(states)


def test_a_suppressor_may_be_named_by_its_arn_and_needs_both_periods() -> None:
    arn = "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:missing"
    properties = {"AlarmRule": "TRUE", "ActionsSuppressor": arn, "ActionsSuppressorWaitPeriod": "60"}
    with pytest.raises(BadInput, match="ActionsSuppressorExtensionPeriod"):
        read_composite("Model", {"Properties": properties})
    read = read_composite("Model", {"Properties": {**properties, "ActionsSuppressorExtensionPeriod": 90}})
    assert (read.suppressor, read.wait_s, read.extension_s) == ("missing", 60, 90)
    assert alarm_name(arn) == "missing"
    assert read.name == "Model"


START = datetime(2026, 5, 1, tzinfo=UTC)


def acted(
    composite: dict[int, State], suppressor: dict[int, State], until: int = 12
) -> list[tuple[int, State]]:
    """Play AWS's diagrams: units of a minute, WaitPeriod 2, ExtensionPeriod 3, both alarms OK at t0."""
    suppression = Suppression(CompositeAlarm("main", read_rule("TRUE"), "other", 120, 180))
    state, over = OK, OK
    actions = []
    for unit in range(until + 1):
        changed = composite.get(unit, state) is not state
        state, over = composite.get(unit, state), suppressor.get(unit, over)
        if suppression.step(START + timedelta(minutes=unit), changed=changed, suppressor=over):
            actions.append((unit, state))
    return actions


# CloudWatch User Guide, "Suppressing composite alarm actions", examples 1 to 6.
@pytest.mark.parametrize(
    ("composite", "suppressor", "expected"),
    [
        pytest.param({2: ALARM}, {}, [(4, ALARM)], id="1: not suppressed after WaitPeriod"),
        pytest.param({2: ALARM}, {3: ALARM}, [], id="2: suppressed before WaitPeriod expires"),
        pytest.param({2: ALARM, 3: OK}, {}, [(5, OK)], id="3: a change in WaitPeriod starts a new one"),
        pytest.param({2: ALARM}, {0: ALARM}, [], id="4: suppressor already in ALARM"),
        pytest.param(
            {2: ALARM}, {3: ALARM, 6: OK}, [(9, ALARM)], id="5: not suppressed after ExtensionPeriod"
        ),
        pytest.param({2: ALARM, 7: OK}, {3: ALARM, 6: OK}, [(9, OK)], id="6: a change in ExtensionPeriod"),
    ],
)
def test_a_documented_example_of_suppression(
    composite: dict[int, State], suppressor: dict[int, State], expected: list[tuple[int, State]]
) -> None:
    assert acted(composite, suppressor) == expected


def test_a_suppressor_without_data_does_not_suppress() -> None:
    assert acted({2: ALARM}, {1: INSUFFICIENT}) == [(4, ALARM)]


def test_a_suppressor_that_comes_and_goes_alone_makes_nothing_act() -> None:
    assert acted({}, {2: ALARM, 4: OK}) == []


def test_without_a_suppressor_every_change_acts_at_once() -> None:
    suppression = Suppression(CompositeAlarm("main", read_rule("TRUE")))
    assert suppression.step(START, changed=True, suppressor=INSUFFICIENT)
    assert not suppression.step(START + timedelta(minutes=1), changed=False, suppressor=INSUFFICIENT)
