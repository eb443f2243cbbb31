"""How a model learns, as `[train]` says: optimizer, rate, loss; and what of it cannot work."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from boomerang.errors import ConfigError
from boomerang.settings import TrainConfig

# Keeps gradients off float16's smallest numbers; they are divided by it in float32.
_LOSS_SCALE = 1024.0
# The rate rises from so much of its peak.
_FIRST = 0.1

# What is learned: `loss(model, images, labels)` with uint8[B, H, W, C] and int64[B] returns a loss a row,
# float32[B], and the answers that right and wrong are counted on, float32[B, K]. It asks the model as
# `model(images, training=True)` and is traced, so it consists of TensorFlow's operations.
Loss = Callable[[Any, Any, Any], tuple[Any, Any]]

# How far from the weights the gradient is taken that they then follow: `offset(weights, gradients)`, a list
# of float32 for each, in the order of the trainable variables, returns as long a list. The gradients are
# those of the whole batch's loss at the weights; what it does not use of them is not computed, unless XLA
# compiles it or replicas add it up. It is traced too.
Offset = Callable[[list[Any], list[Any]], list[Any]]


def cross_entropy(model: Any, images: Any, labels: Any) -> tuple[Any, Any]:
    """Return the honest loss: how little probability each row's label was given."""
    import keras

    probabilities = model(images, training=True)
    return keras.losses.sparse_categorical_crossentropy(labels, probabilities), probabilities


def honest_loss(config: TrainConfig, *, frozen: bool = False) -> Loss:
    """Return cross entropy, with as much label smoothing as the settings say.

    Parameters
    ----------
    config : TrainConfig
    frozen : bool
        Whether batch norms and dropout are as at inference while the model learns.
    """
    if not (config.label_smoothing or frozen):
        return cross_entropy

    def smoothed(model: Any, images: Any, labels: Any) -> tuple[Any, Any]:
        import keras
        import tensorflow as tf

        probabilities = model(images, training=not frozen)
        told = tf.one_hot(labels, probabilities.shape[-1])
        smoothing = config.label_smoothing
        losses = keras.losses.categorical_crossentropy(told, probabilities, label_smoothing=smoothing)
        return losses, probabilities

    return smoothed


def optimizer_of(
    config: TrainConfig, steps: int, *, scaled: bool = False, rates: Mapping[str, float] | None = None
) -> Any:
    """Return the optimizer of a training of so many steps, not yet built.

    Parameters
    ----------
    config : TrainConfig
    steps : int
    scaled : bool
        Whether the loss is scaled, as float16 needs it.
    rates : mapping of str to float, optional
        Factors on the learning rate by the name of a variable.
    """
    import keras

    common = {
        "learning_rate": _rate(config, steps),
        "weight_decay": config.weight_decay or None,
        "loss_scale_factor": _LOSS_SCALE if scaled else None,
    }
    if config.optimizer == "sgd":
        kind, own = keras.optimizers.SGD, {"momentum": config.momentum, "nesterov": config.momentum > 0}
    else:
        kind, own = keras.optimizers.Adam, {}
    return (_with_rates(kind, rates) if rates else kind)(**common, **own)


def build(optimizer: Any, variables: list[Any]) -> None:
    """Make an optimizer's own variables; weight decay is for kernels alone."""
    if optimizer.weight_decay:
        optimizer.exclude_from_weight_decay(var_list=[v for v in variables if len(v.shape) < 2])
    optimizer.build(variables)


def _rate(config: TrainConfig, steps: int) -> Any:
    """Return the one-cycle learning rate: a short rise, then what the settings say."""
    import keras

    rise = int(config.warmup * steps)
    if config.schedule == "cosine":
        return keras.optimizers.schedules.CosineDecay(
            initial_learning_rate=config.learning_rate * _FIRST,
            decay_steps=max(1, steps - rise),
            warmup_target=config.learning_rate,
            warmup_steps=rise,
        )
    return _line(config.learning_rate, rise, steps - rise, falls=config.schedule == "linear")


def _line(peak: float, rise: int, rest: int, *, falls: bool) -> Any:
    """Return a rate that rises in a line to its peak, and then stays there or falls in a line to zero."""
    import keras
    from keras import ops

    class Line(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc]
        def __call__(self, step: Any) -> Any:
            step = ops.cast(step, "float32")
            rising = peak * (_FIRST + (1 - _FIRST) * step / max(1, rise))
            falling = peak * ops.clip(1 - (step - rise) / max(1, rest), 0, 1) if falls else peak
            return ops.where(step < rise, rising, falling)

    return Line()


def _with_rates(kind: type[Any], rates: Mapping[str, float]) -> type[Any]:
    """Return an optimizer whose variables of these names learn so many times as fast."""

    class Rated(kind):  # type: ignore[misc]
        def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
            # It is given TensorFlow's variable, whose name is not that of the layer's.
            name = self._trainable_variables[self._get_variable_index(variable)].name
            super().update_step(gradient, variable, learning_rate * rates.get(name, 1.0))

    return Rated


def check(config: TrainConfig, rows: int, image: tuple[int, ...]) -> None:
    """Refuse settings that cannot work on so many rows of images (H, W, C), with a ConfigError."""
    height, width = image[:2]
    if config.batch > rows:
        why = f"a batch of {config.batch} is more than the {rows} rows there are to learn from"
        raise ConfigError("'train.batch'", why, f"set it to {rows} or less, or give more rows")
    if config.shift >= min(height, width):
        why = f"images of {width} x {height} pixels cannot be shifted by {config.shift}"
        raise ConfigError("'train.shift'", why, f"set it below {min(height, width)}")
    if config.sizes and len(config.sizes) != config.epochs:
        why = f"it has {len(config.sizes)} values for {config.epochs} epochs"
        raise ConfigError("'train.sizes'", why, "give one an epoch, or none")
    if config.sizes and height != width:
        raise ConfigError("'train.sizes'", f"the images are {width} x {height}, no squares", "leave it out")
    if config.sizes and config.sizes[-1] != height:
        why = f"the last epoch has {config.sizes[-1]} pixels, the data {height}"
        raise ConfigError("'train.sizes'", why, f"end with {height}: the model is used on that size")
