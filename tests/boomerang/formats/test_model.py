"""The folder of a model, verified without being opened; tests/training/test_given.py damages each file."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from boomerang.digest import sha256_bytes
from boomerang.errors import BadInput, IntegrityError
from boomerang.formats.model import ModelCard, Record, open_record, verified, verify_model, write_record
from pipelines.runs.storage import pack

CARD = {
    **{"architecture": "small", "classes": ["a", "b"], "input_shape": [4, 4, 1], "parameters": 1, "seed": 0},
    **{"parents": {}, "rows": 1, "weights_sha256": "0" * 64, "history": {"loss": [1.0]}},
    "file_sha256": sha256_bytes(b"weights"),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    pair = tmp_path / "pair"
    pair.mkdir()
    (pair / "model.keras").write_bytes(b"weights")
    (pair / "model.json").write_text(json.dumps(CARD))
    return pair


def test_a_pair_is_verified_as_it_lies_and_packed(folder: Path, tmp_path: Path) -> None:
    pack(folder, tmp_path / "packed/model.tar.gz")
    for place in (folder, tmp_path / "packed"):
        with verified(place) as (file, card):
            assert file.read_bytes() == b"weights"
            assert card == ModelCard.model_validate(CARD) == verify_model(place)
    assert not file.exists(), "it was unpacked for the block alone"


def test_a_card_from_before_there_were_repairs_names_none(folder: Path) -> None:
    card = verify_model(folder)
    assert card.repairs == () and card.inference == ()
    assert card.record_sha256 is None and open_record(folder) is None


def test_an_empty_folder_has_no_model(tmp_path: Path) -> None:
    for place in (tmp_path, tmp_path / "not there"):
        with pytest.raises(BadInput, match=r"model\.json is missing"):
            verify_model(place)


def test_what_was_changed_is_named(folder: Path) -> None:
    (folder / "model.keras").write_bytes(b"others")
    with pytest.raises(IntegrityError, match=r"model\.keras is not the file that model\.json describes"):
        verify_model(folder)


ONE_ROW = Record(np.float32([4, -1]), np.float32([0.1, 2]), np.array([0, 1]), learned=1)


def recorded(folder: Path, record: Record) -> Path:
    """Write a record beside the model, and have the card name it."""
    (folder / "model.json").write_text(json.dumps({**CARD, "record_sha256": write_record(folder, record)}))
    return folder


def test_a_record_comes_back_as_it_was_from_a_folder_and_packed(folder: Path, tmp_path: Path) -> None:
    pack(recorded(folder, ONE_ROW), tmp_path / "packed/model.tar.gz")
    for place in (folder, tmp_path / "packed"):
        found = open_record(place)
        assert found is not None and found.learned == 1
        for name in ("margin", "early_loss", "y"):
            one, other = getattr(found, name), getattr(ONE_ROW, name)
            assert np.array_equal(one, other) and one.dtype == other.dtype
    before = (folder / "record.npz").read_bytes()
    assert (recorded(folder, ONE_ROW) / "record.npz").read_bytes() == before, (
        "the same record, the same bytes"
    )


def test_a_record_of_which_the_card_says_nothing_is_refused(folder: Path) -> None:
    write_record(folder, ONE_ROW)
    with pytest.raises(IntegrityError, match=r"record\.npz is not the file that model\.json describes"):
        verify_model(folder)


@pytest.mark.parametrize("damage", [lambda f: f.unlink(), lambda f: f.write_bytes(b"others")])
def test_a_record_that_was_changed_or_is_gone_is_named(folder: Path, damage: Callable[[Path], Any]) -> None:
    damage(recorded(folder, ONE_ROW) / "record.npz")
    with pytest.raises(IntegrityError, match=r"record\.npz is not the file that model\.json describes"):
        verify_model(folder)


WRONG: dict[str, dict[str, Any]] = {
    "does not hold the columns of a record": {"margin": np.array([4.0, -1.0])},
    "is not of the 1 rows that the model learned from": {"early_loss": np.float32([0.1, np.nan])},
    "does not hold the columns": {"y": np.array([0, 1, 1])},
}


@pytest.mark.parametrize("why", WRONG)
def test_what_is_no_record_is_refused(folder: Path, why: str) -> None:
    with pytest.raises(IntegrityError, match=why):
        open_record(recorded(folder, replace(ONE_ROW, **WRONG[why])))


def test_a_record_of_fewer_rows_than_the_model_learned_from_is_refused(folder: Path) -> None:
    none = Record(np.zeros(0, np.float32), np.zeros(0, np.float32), np.zeros(0, np.int64), learned=0)
    with pytest.raises(IntegrityError, match="is not of the 1 rows"):
        open_record(recorded(folder, none))
