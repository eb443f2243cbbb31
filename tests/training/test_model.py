"""Models: saved in one piece, the same file for the same model, refused when tampered with, and asked."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.memory import risen
from helpers.ranges import ROOT
from helpers.training_jobs import built, left_or_right, saved

from boomerang.blocks import let_go
from boomerang.config import Spec
from boomerang.errors import BadInput, ConfigError, IntegrityError
from boomerang.formats.model import Part
from training.fit import seed_everything
from training.inference import INFERENCE
from training.inference.common.base import wrapped
from training.labeled import Labeled
from training.model import (
    NO_ANSWER,
    ModelView,
    calls_of,
    classifier,
    embedder,
    load_model,
    model_digest,
    weights_digest,
)

X, Y = left_or_right(600)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """A saved model, and the model."""
    folder = tmp_path_factory.mktemp("made") / "m"
    seed_everything(0)
    model = built()
    saved(model, folder)
    return folder, model


def test_a_model_answers_the_same_after_it_was_saved(made: tuple[Path, Any]) -> None:
    folder, model = made
    opened, card = load_model(folder)
    ask = classifier(opened)
    # More rows than a batch, and no whole number of batches.
    x = np.tile(X, (2, 1, 1, 1))[:777]
    assert np.array_equal(ask(x), classifier(model)(x)) and ask(x).shape == (777, 2)
    assert ask(x[:0]).shape == (0, 2)
    assert card.weights_sha256 == weights_digest(model)


def test_the_features_are_the_penultimate_layer(made: tuple[Path, Any]) -> None:
    _, model = made
    features = embedder(model)(X[:5])
    kernel, bias = model.get_layer("logits").get_weights()
    logits = features @ kernel + bias
    expected = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    assert np.allclose(expected, classifier(model)(X[:5]), atol=1e-5)


def test_the_same_model_made_twice_is_the_same_file(made: tuple[Path, Any], tmp_path: Path) -> None:
    folder, _ = made
    seed_everything(0)
    saved(built(), tmp_path / "twin")
    for name in ("model.keras", "model.json"):
        assert (tmp_path / "twin" / name).read_bytes() == (folder / name).read_bytes()


def test_a_changed_model_file_is_refused(tmp_path: Path, made: tuple[Path, Any]) -> None:
    saved(made[1], tmp_path)
    data = bytearray((tmp_path / "model.keras").read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / "model.keras").write_bytes(bytes(data))
    with pytest.raises(IntegrityError):
        load_model(tmp_path)


def test_a_card_that_says_another_digest_is_refused(tmp_path: Path, made: tuple[Path, Any]) -> None:
    """Its file is the one that the card describes, so it is only found out once it is open."""
    saved(made[1], tmp_path)
    card = json.loads((tmp_path / "model.json").read_text()) | {"weights_sha256": "0" * 64}
    (tmp_path / "model.json").write_text(json.dumps(card))
    with pytest.raises(IntegrityError, match="says its digest is 0000"):
        load_model(tmp_path)


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"model\.json is missing"):
        load_model(tmp_path)


def test_a_model_and_the_same_one_wrapped_do_not_pass_for_each_other(
    tmp_path: Path, made: tuple[Path, Any]
) -> None:
    _, plain = made
    defenses = [INFERENCE.create(Spec(kind="spatial_smoothing", window=w)) for w in (2, 3)]
    wraps = [wrapped(plain, [each], Labeled(X, Y)) for each in defenses]
    digests = []
    for i, model in enumerate((plain, *wraps)):
        digests.append(saved(model, tmp_path / str(i)).weights_sha256)
        assert model_digest(model, tmp_path / str(i) / "model.keras") == digests[-1]
    assert len(set(digests)) == 3 and digests[0] == weights_digest(wraps[0]) == weights_digest(wraps[1])


def test_a_card_that_names_an_unknown_defense_is_refused(tmp_path: Path, made: tuple[Path, Any]) -> None:
    saved(made[1], tmp_path, inference=(Part(kind="spatial_smooting", title="?", settings={}),))
    with pytest.raises(ConfigError, match="did you mean 'spatial_smoothing'"):
        load_model(tmp_path)


def test_an_answer_that_is_no_number_is_no_answer() -> None:
    answers = np.float32([[0.1, 0.9], [np.nan, np.nan], [0.9, np.nan], [np.inf, 0], [0.5, 0.5]])
    calls = calls_of(answers)
    assert calls.tolist() == [1, NO_ANSWER, NO_ANSWER, NO_ANSWER, 0] and calls.dtype == np.int64
    assert calls_of(answers[:0]).shape == (0,)


# ---- a view of it


def test_a_view_opens_its_model_when_it_is_first_asked(made: tuple[Path, Any], tmp_path: Path) -> None:
    folder, model = made
    view = ModelView(folder, (16, 16, 1))
    assert view.digest is None
    assert np.array_equal(view.answer(X[:7]), classifier(model)(X[:7]))
    assert np.array_equal(view.embed(X[:7]), embedder(model)(X[:7]))
    assert view.digest == view.card.weights_sha256 == weights_digest(model)
    ModelView(tmp_path / "none")  # nobody asks
    code = "import sys; from training.model import ModelView; ModelView(None); print('keras' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_a_view_of_a_model_of_other_images_is_refused(made: tuple[Path, Any]) -> None:
    with pytest.raises(BadInput, match=r"the victim model: it takes images \(16, 16, 1\), the rows are \(8,"):
        ModelView(made[0], (8, 8, 3)).embed(X)


def test_the_gradient_at_the_features_is_the_last_kernel(made: tuple[Path, Any]) -> None:
    folder, model = made
    view = ModelView(folder)
    x, y = np.tile(X, (2, 1, 1, 1))[:777], np.tile(Y, 2)[:777]
    kernel, _ = model.get_layer("logits").get_weights()
    slopes = view.slopes(["features"])
    (found,), (none,) = slopes(x, y), slopes(x[:0], y[:0])
    assert np.allclose(found, kernel.T[y], atol=1e-6)
    assert none.shape == (0, 96) and found.dtype == np.float32


@pytest.mark.parametrize("kind", ["small", "book"])
def test_the_gradient_at_a_layer_is_what_a_change_of_a_channel_does(kind: str, tmp_path: Path) -> None:
    """Added to all positions of a channel, little by little: the sum of the gradient over the positions."""
    import tensorflow as tf

    seed_everything(0)
    model = built(kind)
    saved(model, tmp_path, architecture=kind)
    view = ModelView(tmp_path)
    layer = next(name for name in reversed(view.layers) if len(model.get_layer(name).output.shape) == 4)
    place = [each.name for each in model.layers].index(layer)
    x, y = X[:4], Y[:4]
    inner = x
    for each in model.layers[: place + 1]:
        inner = each(inner, training=False) if each.name in view.layers else inner
    inner = tf.Variable(inner)
    with tf.GradientTape() as tape:
        outer = inner
        for each in model.layers[place + 1 : -1]:
            outer = each(outer, training=False)
        told = tf.reduce_sum(tf.gather(outer, y, batch_dims=1))
    expected = tape.gradient(told, inner).numpy().mean(axis=(1, 2))
    assert np.allclose(view.slopes([layer])(x, y)[0], expected, atol=1e-6) and np.abs(expected).max() > 0


def test_a_view_names_the_layers_that_it_can_be_asked_for(made: tuple[Path, Any]) -> None:
    view = ModelView(made[0])
    assert view.layers[0] == "rescaling" and view.layers[-1] == "features"
    with pytest.raises(ConfigError, match="did you mean 'features'"):
        view.slopes(["feature"])


def test_a_mapped_set_is_asked_in_the_same_batches_and_never_held(tmp_path: Path) -> None:
    from keras import Sequential, layers

    x = np.lib.format.open_memmap(tmp_path / "x.npy", "w+", np.uint8, (30_001, 52, 52, 1))
    x[:] = (np.arange(len(x)) % 251).astype(np.uint8)[:, None, None, None]
    x.flush()
    model = Sequential([layers.Input((52, 52, 1), dtype="uint8"), layers.Rescaling(1.0)])
    model.add(layers.GlobalAveragePooling2D())
    ask = classifier(model)
    ask(np.zeros((500, 52, 52, 1), np.uint8))
    let_go(x)
    with risen() as rise:
        answers = ask(x)
    assert x.nbytes > 77 << 20 and rise.bytes < 50 << 20
    assert np.array_equal(answers[-777:], ask(np.array(x))[-777:])
    assert np.allclose(answers[:, 0], np.arange(len(x)) % 251, rtol=1e-4)
