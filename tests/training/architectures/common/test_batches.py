"""How many images a network is asked about at once."""

from __future__ import annotations

import pytest

from training.architectures.common.batches import BATCH, batch_of


@pytest.mark.parametrize(("channels", "batch"), [(8, 500), (64, 125), (4096, 2)])
def test_a_wide_model_is_asked_about_fewer_images_at_once(channels: int, batch: int) -> None:
    """Also where its layers are those of a model within it; what is cut at BATCH is cut between batches."""
    from keras import Input, Model, layers

    image = Input((32, 32, 3), dtype="uint8")
    inner = layers.Conv2D(channels, 1)(layers.Rescaling(1.0)(image))
    whole = layers.Softmax()(Model(image, layers.GlobalAveragePooling2D()(inner))(image))
    assert batch_of(Model(image, whole)) == batch and BATCH % batch == 0
