"""What differs between two configs, as a person would say it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.comparison.key_by_key import ABSENT, changes, say

SQUARE = {"kind": "badnets", "name": "square", "rate": 0.01}
NOISE = {"kind": "blended", "name": "noise", "rate": 0.02}


def told(old: Any, new: Any) -> list[tuple[str, str, str]]:
    return [(change.key, change.old, change.new) for change in changes(old, new)]


def test_keys_are_those_that_set_takes_and_only_what_differs_is_told() -> None:
    old = {"seed": 0, "data": {"source": "digits", "train": None}, "attacks": [SQUARE]}
    new = {"seed": 1, "data": {"source": "digits", "train": 500}, "attacks": [{**SQUARE, "rate": 0.05}]}
    assert told(old, new) == [
        ("seed", "0", "1"),
        ("data.train", "not set", "500"),
        ("attacks.0.rate", "0.01", "0.05"),
    ]


def test_a_key_that_one_side_lacks_is_told_apart_from_one_that_is_not_set() -> None:
    assert told({"a": None}, {}) == [("a", "not set", ABSENT)]
    assert told({}, {"a": ""}) == [("a", ABSENT, '""')]


def test_an_entry_that_was_taken_out_is_one_row_and_the_rest_is_matched_by_name() -> None:
    assert told({"attacks": [SQUARE, NOISE]}, {"attacks": [{**NOISE, "rate": 0.03}]}) == [
        ("attacks.1→0.rate", "0.02", "0.03"),
        ("attacks.0", "{kind: badnets, name: square, rate: 0.01}", ABSENT),
    ]


def test_entries_without_a_name_are_matched_by_kind_each_once() -> None:
    old = {"harden": [{"kind": "retrain", "epochs": 3}, {"kind": "retrain", "epochs": 5}]}
    new = {"harden": [{"kind": "retrain", "epochs": 5}, {"kind": "retrain", "epochs": 4}]}
    assert told(old, new) == [
        ("harden.0→1.epochs", "3", "4"),
        ("harden (order)", "retrain, retrain", "retrain, retrain"),
    ]


def test_another_order_is_told_once() -> None:
    assert told({"attacks": [SQUARE, NOISE]}, {"attacks": [NOISE, SQUARE]}) == [
        ("attacks (order)", "square, noise", "noise, square")
    ]


def test_a_renamed_entry_of_the_same_kind_is_the_same_entry() -> None:
    assert told({"a": [SQUARE]}, {"a": [{**SQUARE, "name": "mark"}]}) == [("a.0.name", "square", "mark")]


def test_lists_of_plain_values_are_one_value() -> None:
    assert told({"seeds": [0, 1]}, {"seeds": [0, 1, 2]}) == [("seeds", "[0, 1]", "[0, 1, 2]")]


def test_a_list_that_was_emptied_loses_its_entries() -> None:
    assert told({"harden": [{"kind": "retrain"}]}, {"harden": []}) == [
        ("harden.0", "{kind: retrain}", ABSENT)
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [("word", "word"), ("", '""'), (True, "true"), (1e-3, "0.001"), ([1, "a"], "[1, a]"), (None, "not set")],
)
def test_a_value_as_text(value: Any, text: str) -> None:
    assert say(value) == text


TABLES = st.recursive(
    st.none() | st.integers() | st.sampled_from(["", "a", "b"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("abkind"), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["name", "kind", "x"]), TABLES))
def test_nothing_differs_from_itself(table: dict[str, Any]) -> None:
    assert changes(table, table) == ()


@given(*[st.dictionaries(st.sampled_from(["name", "kind", "x"]), TABLES)] * 2)
def test_whatever_differs_is_told(old: dict[str, Any], new: dict[str, Any]) -> None:
    assert bool(changes(old, new)) == (old != new)
