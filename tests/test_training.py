"""Models and training: reproducible, saved in one piece, refused when tampered with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from boomerang.config import TrainConfig
from boomerang.errors import BadInput, IntegrityError
from training.fit import fit, seed_everything
from training.model import ARCHITECTURES, classifier, embedder, load_model, save_model, weights_digest

RNG = np.random.default_rng(0)
Y = np.arange(600) % 2
# Class 1 is brighter on its left half: learnable, and not the same mirrored.
X = RNG.integers(0, 120, (600, 16, 16, 1), np.uint8)
X[Y == 1, :, :8] += 100


def trained(config: TrainConfig, seed: int = 0) -> Any:
    seed_everything(seed)
    model = ARCHITECTURES["small"]((16, 16, 1), 2)
    history = fit(model, X[:500], Y[:500], (X[500:], Y[500:]), config, seed)
    return model, history


def test_training_learns_and_the_same_seed_gives_the_same_weights() -> None:
    config = TrainConfig(epochs=3, batch=32)
    (one, history), (two, _), (other, _) = trained(config), trained(config), trained(config, seed=1)
    assert history["val_accuracy"][-1] > 0.95 and len(history["loss"]) == 3
    assert weights_digest(one) == weights_digest(two) != weights_digest(other)


def test_augmentation_is_seeded_too_and_changes_the_outcome() -> None:
    plain, shifted = TrainConfig(epochs=1, batch=32), TrainConfig(epochs=1, batch=32, augment=True)
    digests = [weights_digest(trained(config)[0]) for config in (plain, shifted, shifted)]
    assert digests[0] != digests[1] == digests[2]


def test_the_books_cnn_has_the_published_number_of_parameters() -> None:
    assert ARCHITECTURES["book"]((32, 32, 3), 10).count_params() == 552_874


CARD = {"architecture": "small", "classes": ("a", "b"), "input_shape": (16, 16, 1), "seed": 0, "data": "d"}


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
