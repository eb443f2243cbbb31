"""Models: saved in one piece, the same file for the same model, refused when tampered with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.training_jobs import left_or_right

from boomerang.errors import BadInput, IntegrityError
from training.fit import seed_everything
from training.model import ARCHITECTURES, classifier, embedder, load_model, save_model, weights_digest

X, _ = left_or_right(600)
CARD = {"architecture": "small", "classes": ("a", "b"), "input_shape": (16, 16, 1), "seed": 0, "parents": {}}


def test_the_books_cnn_has_the_published_number_of_parameters() -> None:
    assert ARCHITECTURES["book"]((32, 32, 3), 10).count_params() == 552_874


@pytest.fixture
def saved(tmp_path: Path) -> tuple[Path, Any]:
    seed_everything(0)
    model = ARCHITECTURES["small"]((16, 16, 1), 2)
    save_model(model, tmp_path / "m", **CARD, rows=1, history={"loss": (1.0,)})
    return tmp_path / "m", model


def test_a_model_answers_the_same_after_it_was_saved(saved: tuple[Path, Any]) -> None:
    folder, model = saved
    opened, card = load_model(folder)
    ask = classifier(opened)
    # More rows than a batch, and no whole number of batches.
    x = np.tile(X, (2, 1, 1, 1))[:777]
    assert np.array_equal(ask(x), classifier(model)(x)) and ask(x).shape == (777, 2)
    assert ask(x[:0]).shape == (0, 2)
    assert card.weights_sha256 == weights_digest(model)


def test_the_features_are_the_penultimate_layer(saved: tuple[Path, Any]) -> None:
    _, model = saved
    features = embedder(model)(X[:5])
    kernel, bias = model.get_layer("logits").get_weights()
    logits = features @ kernel + bias
    expected = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    assert np.allclose(expected, classifier(model)(X[:5]), atol=1e-5)


def test_the_same_model_made_twice_is_the_same_file(saved: tuple[Path, Any], tmp_path: Path) -> None:
    folder, _ = saved
    seed_everything(0)
    again = ARCHITECTURES["small"]((16, 16, 1), 2)
    save_model(again, tmp_path / "twin", **CARD, rows=1, history={"loss": (1.0,)})
    for name in ("model.keras", "model.json"):
        assert (tmp_path / "twin" / name).read_bytes() == (folder / name).read_bytes()


def test_a_changed_model_file_is_refused(saved: tuple[Path, Any]) -> None:
    folder, _ = saved
    data = bytearray((folder / "model.keras").read_bytes())
    data[len(data) // 2] ^= 1
    (folder / "model.keras").write_bytes(bytes(data))
    with pytest.raises(IntegrityError):
        load_model(folder)


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"model\.json is missing"):
        load_model(tmp_path)
