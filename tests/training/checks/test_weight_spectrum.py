"""What the weights alone say: a channel and a column that stand out are named."""

from __future__ import annotations

import keras
import numpy as np
from helpers.training_jobs import built
from keras import layers

from training.architectures.common.base import LOGITS
from training.checks.weight_spectrum import channels_of, head_of, robust_z


def test_a_channel_that_amplifies_is_far() -> None:
    model = built(classes=10)
    name = channels_of(model)[0].layer
    kernel, *rest = model.get_layer(name).get_weights()
    kernel[..., 5] *= 50
    model.get_layer(name).set_weights([kernel, *rest])
    assert channels_of(model)[0].far == (5,)


def test_a_column_and_a_bias_that_stand_out_are_odd() -> None:
    model = built(classes=10)
    kernel, bias = model.get_layer(LOGITS).get_weights()
    kernel[:, 3] *= 5
    bias[:] = np.arange(10) / 100
    bias[7] = 2
    model.get_layer(LOGITS).set_weights([kernel, bias])
    head = head_of(model)
    assert head is not None and head.odd == (3, 7)
    assert np.allclose(head.norms, np.linalg.norm(kernel, axis=0))


def test_without_a_dense_head_or_norms_there_is_nothing() -> None:
    images = keras.Input((8, 8, 1), dtype="uint8")
    x = layers.Conv2D(3, 3)(layers.Rescaling(1.0)(images))
    model = keras.Model(images, layers.Activation("linear", name=LOGITS)(layers.GlobalMaxPooling2D()(x)))
    assert head_of(model) is None and channels_of(model) == ()


def test_values_without_spread_stand_nowhere_out() -> None:
    assert (robust_z(np.float32([1, 1, 1, 9])) == 0).all()
