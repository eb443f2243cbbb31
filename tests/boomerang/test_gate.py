"""The gate's word: each check rejects alone, and no verdict says otherwise than its numbers."""

from __future__ import annotations

import math
from typing import Any

import pytest
from pydantic import ValidationError

from boomerang.gate import (
    ALWAYS,
    BY_KEY,
    GATE,
    NOT_MEASURED,
    GateConfig,
    Verdict,
    advice,
    gate_numbers,
    judge,
    plain,
)

ON_THE_LIMIT = {rule.key: float(getattr(GateConfig(), rule.limit)) for rule in GATE}


def test_a_model_on_every_limit_passes() -> None:
    verdict = judge(ON_THE_LIMIT, GateConfig())
    assert verdict.passed and not verdict.reasons and len(verdict.checks) == len(GATE)
    assert gate_numbers(verdict)["failed_checks"] == 0 and not advice(verdict)


@pytest.mark.parametrize("key", ON_THE_LIMIT)
@pytest.mark.parametrize("bad", ["above", None, math.nan, math.inf])
def test_each_check_rejects_alone(key: str, bad: float | str | None) -> None:
    value = ON_THE_LIMIT[key] + 1e-3 if bad == "above" else bad
    verdict = judge({**ON_THE_LIMIT, key: value}, GateConfig())  # type: ignore[dict-item]  # "above" is replaced
    assert not verdict.passed and len(verdict.reasons) == 1 == gate_numbers(verdict)["failed_checks"]
    assert advice(verdict) == (BY_KEY[key].do,)
    number = gate_numbers(verdict)[key]
    assert math.isfinite(number) and number > ON_THE_LIMIT[key]
    if bad != "above":
        assert number == NOT_MEASURED and "not measured" in verdict.reasons[0]


def test_a_check_that_does_not_apply_holds_for_the_condition() -> None:
    verdict = judge(dict.fromkeys(ALWAYS, 0.0), GateConfig())
    assert verdict.passed and {check.key for check in verdict.checks} == ALWAYS
    assert set(gate_numbers(verdict)) == {*ON_THE_LIMIT, "failed_checks"}, "the condition reads every key"


def test_what_is_asked_of_every_model_is_not_passed_over() -> None:
    verdict = judge({"accuracy_drop": 0.0, "canary_failures": 0}, GateConfig())
    assert {check.key for check in verdict.checks if not check.passed} == ALWAYS - {
        "accuracy_drop",
        "canary_failures",
    }


@pytest.mark.parametrize("limit", GateConfig.model_fields)
@pytest.mark.parametrize("value", [NOT_MEASURED, 2 * NOT_MEASURED, math.inf, math.nan, -1])
def test_no_limit_can_be_so_wide_that_not_measured_passes(limit: str, value: float) -> None:
    with pytest.raises(ValidationError):
        GateConfig.model_validate({limit: value})


CHANGES: list[tuple[str, Any]] = [
    ("a failed check says passed", lambda v: v["checks"][0].update(passed=True)),
    ("a limit is raised beyond what may be set", lambda v: v["checks"][0].update(limit=2.0, passed=True)),
    ("the failed check is left out", lambda v: v["checks"].pop(0)),
    ("the number is another", lambda v: v["checks"][0].update(value=0.0)),
    ("a check stands twice", lambda v: v["checks"].append(v["checks"][1])),
    ("a check is of no gate", lambda v: v["checks"][0].update(key="luck")),
    ("the reasons are gone", lambda v: v.update(reasons=[])),
    ("the word is turned", lambda v: v.update(passed=True)),
    ("word and reasons are turned", lambda v: v.update(passed=True, reasons=[])),
    ("nothing was asked", lambda v: v.update(passed=True, reasons=[], checks=[])),
]


@pytest.mark.parametrize("change", [change for _, change in CHANGES], ids=[name for name, _ in CHANGES])
def test_a_verdict_that_contradicts_itself_is_none(change: Any) -> None:
    said = judge({**ON_THE_LIMIT, "accuracy_drop": 0.5}, GateConfig()).model_dump(mode="json")
    assert not Verdict.model_validate(said).passed
    change(said)
    with pytest.raises(ValidationError):
        Verdict.model_validate(said)


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ([], ""),
        (["cat"], "cat"),
        (['x"}, {"', "caf\u00e9", "a\nb"], "x??? ??, caf?, a?b"),
        ([str(k) for k in range(9)], "0, 1, 2, 3 and 5 more"),
        (["y" * 99], "y" * 24),
    ],
)
def test_names_that_somebody_chose_need_no_escape(names: list[str], words: str) -> None:
    assert plain(names) == words


@pytest.mark.parametrize(
    ("value", "words"), [(-0.0003, "0.0%"), (-0.004, "-0.4%"), (0.1, "10.0%"), (1e9, "not measured")]
)
def test_a_number_is_said_as_a_person_reads_it(value: float, words: str) -> None:
    assert BY_KEY["accuracy_drop"].say(value) == words
