"""TED++: a trigger's row comes to its class on another way through the layers than clean rows do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from pydantic import Field

from boomerang.errors import BadInput, ConfigError, nearest
from boomerang.manifest import Labels
from training.architectures.common.base import LOGITS
from training.architectures.common.inside import Floats, usual_layers, ways_to_logits
from training.inference.common.ranks import Planes, Tube, known, tube
from training.inference.common.refusing import Refusing, Scores, numbers_of
from training.labeled import Labeled

# Added to a squared distance it is farther than any.
_FAR = 1e30


class TedRefusal(Refusing):
    """Refuse a row whose ranks among trusted rows, layer by layer, are not those of its class.

    The statistic of the screen `ted`, for the class that the model predicts: at each layer the rank of the
    nearest trusted row of that class, the last one if the row is farther from it than the nearer half of its
    class is; then the squared distance from the plane of the first `components` principal components of
    trusted rows' own ranks. What departs from the papers is said there. The trusted rows' features are part
    of the model.

    As in the papers only trusted rows count that the model calls rightly. So `frr` is a share of those rows;
    of clean rows that are called wrongly more are refused, which costs no accuracy. Where the model calls a
    class of which it called less than three trusted rows rightly, nothing is refused.

    Parameters
    ----------
    layers : list of str
        Names of layers of the network. If empty, those that the papers take: convolutions but those of one
        pixel, dense layers and activations, up to `logits`.
    components : int
        Principal components; always less than layers.
    """

    title = "refusal by ranks through the layers (TED++)"
    source = "Le et al. 2025, TED++, sections 4-5; Mo et al. 2024, TED (IEEE S&P)"
    assumes = "a trigger's row is far from its class in some layers; five trusted rows a class and more"
    costs = "distances to every trusted row at each layer, whose features are saved with the model"
    fails = (
        "triggers that are near their class in all layers: at a frr of 1% it refused two thirds of BadNets' "
        "images, a tenth of those with a blended trigger, a seventh of SIG's"
    )

    kind: Literal["ted_refusal"] = "ted_refusal"
    layers: tuple[str, ...] = ()
    components: int = Field(default=2, ge=1)

    def suspicion(self, model: Any, trusted: Labeled) -> tuple[Any, Scores]:
        """Return the distance from usual ranks, and that of trusted rows, each ranked among the others.

        Raises
        ------
        ConfigError
            If the model has no layer of a name in `layers`, or less than two.
        BadInput
            If what comes out of a layer is not finite, or no class has trusted rows enough.
        """
        from keras import ops

        images, ways = model.inputs[0], ways_to_logits(model)
        pooled = _pooled(ways, self._names(model, ways))
        logits = ways[LOGITS]
        x, y = np.asarray(trusted.x), np.asarray(trusted.y)
        right = numbers_of(images, logits, x).argmax(1) == y
        features = _finite(numbers_of(images, ops.concatenate(pooled, axis=-1), x[right]))
        y = y[right]
        ends = np.cumsum([each.shape[-1] for each in pooled])[:-1]
        tubes = [tube(part, y) for part in np.split(features, ends, axis=1)]
        own = np.stack([each.ranks_within() for each in tubes], axis=1)[known(y, y)]
        if not len(own):
            why = "of no class three are called rightly, so that they could be ranked"
            raise BadInput("the trusted rows", why, "raise data.validation")
        planes = Planes.of(own, min(self.components, len(tubes) - 1))
        classes = ops.one_hot(ops.argmax(logits, axis=-1), logits.shape[-1])
        ranks = [_ranks(each, part, classes) for each, part in zip(tubes, pooled, strict=True)]
        judged = known(np.arange(logits.shape[-1]), y).astype(np.float32)
        score = _distances(planes, ops.stack(ranks, axis=-1)) * _linear(classes, judged[:, None])[:, 0]
        return score, planes.own(own)

    def _names(self, model: Any, ways: dict[str, Any]) -> Sequence[str]:
        names = self.layers or tuple(name for name in usual_layers(model) if name in ways)
        for name in names:
            if name not in ways:
                raise ConfigError(f"layer '{name}'", "the model has none", nearest(name, tuple(ways)))
        if len(names) < 2:
            raise ConfigError("ted_refusal", "it compares two layers and more", "name more in `layers`")
        return names


def _pooled(ways: dict[str, Any], names: Sequence[str]) -> list[Any]:
    """Return float32[N, D] for each layer: what comes out of it, averaged over its positions."""
    from keras import ops

    outputs = [ops.cast(ways[name], "float32") for name in names]
    return [ops.mean(out, axis=tuple(range(1, len(out.shape) - 1))) for out in outputs]


def _finite(features: Floats) -> Floats:
    if not np.isfinite(features).all():
        raise BadInput("the model", "a layer of it gives what is no number", "train it again")
    return features


def _ranks(near: Tube, features: Any, classes: Any) -> Any:
    """Return float32[N], the rank of the nearest trusted row of each row's class: `Tube.ranks` in a graph.

    Parameters
    ----------
    near : Tube
    features : keras.KerasTensor
        float32[N, D].
    classes : keras.KerasTensor
        float32[N, K], 1 for the class of each row.
    """
    from keras import ops

    count = len(near.y)
    off = _shifted(features, -near.mean)
    squared = ops.sum(off * off, axis=-1, keepdims=True)
    squared = ops.maximum(squared + _linear(off, -2 * near.rows.T, (near.rows**2).sum(1)), 0)
    others = np.arange(classes.shape[-1])[:, None] != near.y
    of_class = squared + _linear(classes, _FAR * others)
    least = ops.min(of_class, axis=-1, keepdims=True)
    radius = _linear(ops.one_hot(ops.argmin(of_class, axis=-1), count), near.radius[:, None])
    before = ops.sum(ops.cast(squared < least, "float32"), axis=-1) / max(1, count - 1)
    return ops.where((least <= radius)[:, 0], before, 1.0)


def _distances(planes: Planes, ranks: Any) -> Any:
    """Return float32[N], `Planes.distances` of float32[N, L] in a graph."""
    from keras import ops

    beside = [np.eye(len(plane.mean)) - plane.axes @ plane.axes.T for plane in planes.each]
    means = [plane.mean @ each for plane, each in zip(planes.each, beside, strict=True)]
    off = _linear(ranks, np.concatenate(beside, axis=1), -np.concatenate(means))
    return ops.sum(off * off, axis=-1) / len(planes.each)


def _linear(x: Any, kernel: Any, bias: Any = None) -> Any:
    """Return float32[N, n], float32[N, m] times a constant, another added; both are weights of a layer."""
    from keras import layers

    layer = layers.Dense(kernel.shape[1], use_bias=bias is not None, trainable=False, dtype="float32")
    out = layer(x)
    layer.set_weights([np.asarray(each, np.float32) for each in (kernel, bias) if each is not None])
    return out


def _shifted(x: Any, by: Labels | Scores) -> Any:
    """Return float32[N, n], float32[N, n] plus a constant, which is a weight of a layer."""
    from keras import layers

    layer = layers.EinsumDense("bd,d->bd", output_shape=len(by), bias_axes="d", trainable=False)
    out = layer(x)
    layer.set_weights([np.ones(len(by), np.float32), by.astype(np.float32)])
    return out
