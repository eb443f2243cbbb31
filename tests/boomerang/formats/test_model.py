"""The folder of a model, verified without being opened; tests/training/test_given.py damages each file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from boomerang.digest import sha256_bytes
from boomerang.errors import BadInput, IntegrityError
from boomerang.formats.model import ModelCard, verified, verify_model
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


def test_an_empty_folder_has_no_model(tmp_path: Path) -> None:
    for place in (tmp_path, tmp_path / "not there"):
        with pytest.raises(BadInput, match=r"model\.json is missing"):
            verify_model(place)


def test_what_was_changed_is_named(folder: Path) -> None:
    (folder / "model.keras").write_bytes(b"others")
    with pytest.raises(IntegrityError, match=r"model\.keras is not the file that model\.json describes"):
        verify_model(folder)
