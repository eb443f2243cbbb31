"""A new head on frozen features: the transfer setting of the targeted clean-label attacks.

After Shafahi et al. 2018, section 3, and the benchmark of Schwarzschild et al. 2021: the feature extractor
stays as it is, and one linear layer is learned anew.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

from boomerang.errors import ConfigError
from training.architectures.common.base import LOGITS


@contextmanager
def new_head(model: Any) -> Iterator[None]:
    """Draw the layer `logits` of a model anew; inside, it is the only one that learns.

    It is drawn as the layer's own settings say, from Keras' generator. Batch norms and dropout are to be
    asked as at inference, see `training.learning.descent.honest_loss`.

    Parameters
    ----------
    model : keras.Model
        Changed in place; at the end every layer learns that did before.
    """
    drawn_anew(model)
    with learning_only(model, [LOGITS]):
        yield


@contextmanager
def learning_only(model: Any, names: Collection[str]) -> Iterator[None]:
    """Let only the layers of these names learn; at the end every layer learns that did before."""
    learned = [layer.trainable for layer in model.layers]
    try:
        for layer in model.layers:
            layer.trainable = layer.name in names
        yield
    finally:
        for layer, before in zip(model.layers, learned, strict=True):
            layer.trainable = before


def drawn_anew(model: Any) -> None:
    """Set the layer `logits` of a model as a fresh one's, from Keras' generator.

    Raises
    ------
    ConfigError
        If it has no weights, as in a given model that does not end in a dense layer.
    """
    head = model.get_layer(LOGITS)
    if not head.weights:
        why = "the model does not end in a dense layer, and has no last layer to draw anew"
        raise ConfigError("a new last layer", why, "take another victim.schedule, or another repair")
    fresh = type(head).from_config(head.get_config())
    fresh.build(head.kernel.shape[:1])
    head.set_weights(fresh.get_weights())
