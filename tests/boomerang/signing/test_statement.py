"""Statements: what of them is signed, and that their text is canonical."""

from __future__ import annotations

import hashlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from boomerang.signing import Predicate, Statement
from boomerang.signing.statement import message, payload_type

DIGESTS = st.text("0123456789abcdef", min_size=64, max_size=64)
NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
KINDS = st.from_regex(r"[a-z][a-z0-9-]{0,31}", fullmatch=True)
PREDICATES = st.builds(
    Predicate,
    parents=st.dictionaries(NAMES, DIGESTS, max_size=3),
    aliases=st.lists(DIGESTS, max_size=2),
    config=st.none() | DIGESTS,
    by=st.none() | NAMES,
)
STATEMENTS = st.builds(
    Statement,
    kind=KINDS,
    name=NAMES,
    digest=DIGESTS,
    subjects=st.dictionaries(NAMES, DIGESTS, min_size=1, max_size=3),
    predicate=PREDICATES,
)


@settings(max_examples=50, deadline=None)
@given(STATEMENTS)
def test_a_statement_survives_its_payload(statement: Statement) -> None:
    assert Statement.model_validate(json.loads(statement.payload)) == statement


def test_the_message_is_the_digest_of_the_pre_authentication_encoding() -> None:
    """The example of DSSE's own protocol.md."""
    encoded = b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    assert message("http://example.com/HelloWorld", b"hello world") == hashlib.sha256(encoded).digest()


@settings(max_examples=50, deadline=None)
@given(KINDS, KINDS, st.binary(max_size=20))
def test_a_payload_has_another_message_as_another_kind(one: str, other: str, payload: bytes) -> None:
    same = message(payload_type(one), payload) == message(payload_type(other), payload)
    assert same == (one == other)


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "Dataset"},
        {"kind": "data set"},
        {"kind": "a" * 33},
        {"kind": "dataset\n"},
        {"name": ""},
        {"digest": "0" * 63},
        {"digest": "A" * 64},
        {"digest": "0" * 64 + "\n"},
        {"subjects": {}},
        {"subjects": {"x": "0"}},
        {"format": 2},
        {"format": "1"},
        {"predicate": {"parent": {}}},
        {"predicate": {"parents": {"train": 1}}},
        {"more": 1},
    ],
)
def test_what_is_no_statement_is_refused(change: dict[str, object]) -> None:
    good = {"kind": "dataset", "name": "n", "digest": "0" * 64, "subjects": {"x": "0" * 64}}
    Statement.model_validate(good)
    with pytest.raises(ValidationError):
        Statement.model_validate(good | change)
