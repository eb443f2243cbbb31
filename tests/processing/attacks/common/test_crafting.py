"""Images optimized against a model: the copy that lets gradients through, the bounds, the descent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.attack_pools import make_pool, toy_surrogate

from boomerang.manifest import Images
from processing.attacks.common.crafting import bounds, descent, features_of, in_floats, measured, moved
from training.model import FEATURES, LOGITS


@pytest.fixture(scope="module")
def surrogate(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return toy_surrogate(tmp_path_factory.mktemp("surrogate"))


def test_the_copy_answers_like_the_model_and_passes_gradients_on_to_the_images(surrogate: Any) -> None:
    import tensorflow as tf

    x = make_pool().x[:5]
    copy = in_floats(surrogate.model, FEATURES)
    images = tf.constant(x.astype(np.float32))
    with tf.GradientTape() as tape:
        tape.watch(images)
        features = copy(images, training=False)
    np.testing.assert_allclose(features, surrogate.embed(x), rtol=1e-5)
    assert np.abs(tape.gradient(features, images)).max() > 0
    assert in_floats(surrogate.model, LOGITS).output_shape == (None, 4)
    assert surrogate.model.inputs[0].dtype == "uint8", "the model itself is as it was"


def test_a_model_that_answers_for_mirrors_too_is_copied_both_ways_and_its_network_is_one_way() -> None:
    import keras

    from training.architectures import ARCHITECTURES
    from training.learning.mirror import is_mirrored, mirrored
    from training.model import ModelView, embedder

    keras.utils.set_random_seed(0)
    model = mirrored(ARCHITECTURES["residual"](width=4).build((16, 16, 3), 4))
    x = make_pool().x[:3]
    made = in_floats(model, FEATURES)(x.astype(np.float32), training=False)
    np.testing.assert_allclose(made, embedder(model)(x), rtol=1e-4, atol=1e-6)
    view = ModelView(Path("nowhere"))
    vars(view)["_opened"] = (model, None)
    assert is_mirrored(view.model) and not is_mirrored(view.network)


def test_features_keep_the_axes_before_an_image_s_own(surrogate: Any) -> None:
    import tensorflow as tf

    x = make_pool().x[:6]
    got = features_of(surrogate)(tf.constant(x.reshape(2, 3, *x.shape[1:]).astype(np.float32)))
    np.testing.assert_allclose(got, surrogate.embed(x).reshape(2, 3, -1), rtol=1e-5)


def away(images: Any) -> Any:
    """How far every value is from 100."""
    import tensorflow as tf

    return tf.reduce_sum((images - 100.0) ** 2, range(1, images.shape.rank))


@pytest.mark.parametrize("signs", [False, True])
def test_descent_goes_down_and_stays_within_its_bounds(signs: bool) -> None:
    bases = make_pool().x[:4]
    made: Images = descent(away, 60, 4, signs=signs)(bases, 9.9)
    low, high = bounds(bases, 9.9)
    assert (made >= low).all() and (made <= high).all() and made.dtype == np.uint8
    wanted = np.clip(100, low, high)
    assert np.abs(made - wanted).max() <= 4, "every value is as near as it may go, to a step"
    before, after = measured(away, bases, made).T
    assert (after < before).all()


def test_descent_is_the_same_twice_and_starts_where_it_is_told() -> None:
    bases = make_pool().x[:2]
    descend = descent(away, 3, 0.5, falls=(0.5,))
    assert np.array_equal(descend(bases, 20), descend(bases, 20))
    start = np.clip(bases.astype(np.float32) - 20, 0, 255)
    assert np.abs(descend(bases, 20, start) - start).max() <= 2


def test_images_are_moved_by_whole_pixels_and_turned_by_halves() -> None:
    import tensorflow as tf

    x = make_pool(rows=64).x.astype(np.float32)
    turned = np.asarray(moved(tf.constant(x), 0, tf.random.Generator.from_seed(1)))
    as_they_were = (turned == x).all((1, 2, 3))
    assert 16 < as_they_were.sum() < 48
    assert np.array_equal(turned[~as_they_were], x[~as_they_were, :, ::-1])
    shifted = np.asarray(moved(tf.constant(x), 2, tf.random.Generator.from_seed(1)))
    padded = np.pad(x, ((0, 0), (2, 2), (2, 2), (0, 0)), mode="reflect")
    found = [
        {
            (top, left, step)
            for top in range(5)
            for left in range(5)
            for step in (1, -1)
            if np.array_equal(image, wide[top : top + 16, left : left + 16][:, ::step])
        }
        for image, wide in zip(shifted, padded, strict=True)
    ]
    assert all(len(each) == 1 for each in found) and len(set.union(*found)) > 20
