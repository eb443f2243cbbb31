"""One step of a training: a batch is shared out, each replica learns from its rows, all stay equal.

The rows of a batch and how they are shifted and mirrored come from the caller, for the whole batch, so
that N replicas learn from the same as one. Each takes an equal share of the rows, and its loss counts
as its share of the batch, so that the sum of the gradients is that of the mean over the batch.

Batch norms normalize over a replica's own rows. Their moving statistics are averaged over the replicas
in every step, so that there is one model at any time and not one a replica.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from boomerang.manifest import Images, Labels
from boomerang.settings import TrainConfig
from training.cluster import Cluster

_WARMUP = 0.15
_SHIFT_PX = 2
# A GPU of 16 GB, the least that SageMaker trains on, keeps so much data beside model and activations.
_RESIDENT_BYTES = 4 << 30
# Keeps gradients off float16's smallest numbers; they are divided by it in float32.
_LOSS_SCALE = 1024.0

Seeds = npt.NDArray[np.int32]
# What is learned: `loss(model, images, labels)` with uint8[B, H, W, C] and int64[B] returns a loss a row,
# float32[B], and the answers that right and wrong are counted on, float32[B, K]. It asks the model as
# `model(images, training=True)` and is traced, so it consists of TensorFlow's operations.
Loss = Callable[[Any, Any, Any], tuple[Any, Any]]


def cross_entropy(model: Any, images: Any, labels: Any) -> tuple[Any, Any]:
    """Return the honest loss: how little probability each row's label was given."""
    import keras

    probabilities = model(images, training=True)
    return keras.losses.sparse_categorical_crossentropy(labels, probabilities), probabilities


def adam(config: TrainConfig, steps: int, *, mixed: bool) -> Any:
    """Return Adam on a one-cycle learning rate over so many steps: a short rise, then half a cosine."""
    import keras

    rate = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=config.learning_rate / 10,
        decay_steps=max(1, steps - int(_WARMUP * steps)),
        warmup_target=config.learning_rate,
        warmup_steps=int(_WARMUP * steps),
    )
    return keras.optimizers.Adam(rate, loss_scale_factor=_LOSS_SCALE if mixed else None)


def twin(model: Any, *, mixed: bool) -> Any:
    """Return a copy of a model, made of variables of the strategy in whose scope this is called.

    A mixed copy computes in float16, but for the last layers, whose sums and exponentials would not
    fit; its variables are float32 all the same.
    """
    import keras

    def copy(layer: Any) -> Any:
        exact = layer.name == "logits" or isinstance(layer, keras.layers.Softmax)
        precision = {"dtype": "mixed_float16"} if mixed and not exact else {}
        return type(layer).from_config(layer.get_config() | precision)

    return keras.models.clone_model(model, clone_function=copy)


class Step:
    """The compiled step of one training.

    Parameters
    ----------
    model : keras.Model
        Of the cluster's strategy, as is the optimizer, which is built.
    optimizer : keras.Optimizer
    x : uint8[N, H, W, C], 0..255
    y : int64[N]
    augment : bool
        Whether to shift and mirror.
    cluster : Cluster
    loss : Loss
    """

    def __init__(
        self,
        model: Any,
        optimizer: Any,
        x: Images,
        y: Labels,
        *,
        augment: bool,
        cluster: Cluster,
        loss: Loss = cross_entropy,
    ) -> None:
        self.model, self.optimizer, self.cluster, self.loss = model, optimizer, cluster, loss
        self.augment, self.size = augment, x.shape[1:3]
        self.data = [_placed(x, y, device) for device in self._places(x)]
        self.statistics = _moving_statistics(model)
        self.untried = cluster.accelerated
        self._together = self._traced(compiled=cluster.accelerated)

    def _places(self, x: Images) -> Sequence[str]:
        """Return where the rows are kept: on each device, where they fit, or once in memory."""
        fits = self.cluster.accelerated and x.nbytes <= _RESIDENT_BYTES
        return self.cluster.devices if fits else ("CPU:0",)

    def __call__(self, rows: npt.NDArray[np.int64], seeds: Seeds, totals: Any, asked: bool) -> Any:
        """Learn from one batch.

        Parameters
        ----------
        rows : int64[B]
            The whole batch, of all replicas.
        seeds : int32[2, 2]
            Of the augmentation of this batch.
        totals : float32[3]
            Summed loss and right answers of the epoch before this step, and whether a process asks to
            stop.
        asked : bool
            Whether this one does.

        Returns
        -------
        float32[3]
            The totals after the step, the same on all.
        """
        arguments = (rows, seeds, totals, np.float32(asked))
        result = self._tried(arguments) if self.untried else self._together(*arguments)
        return self.cluster.strategy.experimental_local_results(result)[0]

    def _tried(self, arguments: tuple[Any, ...]) -> Any:
        """Do the first compiled step; where XLA cannot compile the model, do it without.

        Asked to be deterministic, XLA has no kernel for some gradients, as that of max pooling.
        """
        import tensorflow as tf

        self.untried = False
        try:
            return self._together(*arguments)
        except tf.errors.OpError as error:
            if self.cluster.chief:
                why = error.message.splitlines()[0].rpartition("}} ")[2]
                print(f"XLA cannot compile this model, it trains without: {why}", flush=True)
            self._together = self._traced(compiled=False)
            return self._together(*arguments)

    def _traced(self, *, compiled: bool) -> Any:
        """Return the function of a step; it is traced at the first one."""
        import tensorflow as tf

        by_xla = tf.function(self._gradients, jit_compile=True, autograph=False)
        self._learn = by_xla if compiled else self._gradients
        signature = [
            tf.TensorSpec([None], tf.int64),
            tf.TensorSpec([2, 2], tf.int32),
            tf.TensorSpec([3], tf.float32),
            tf.TensorSpec([], tf.float32),
        ]
        run = self.cluster.strategy.run
        return tf.function(lambda *arguments: run(self._replica, arguments), signature, autograph=False)

    @property
    def traces(self) -> int:
        """How often the step was traced; once, if all is well."""
        return int(self._together.experimental_get_tracing_count())

    def _replica(self, rows: Any, seeds: Any, totals: Any, asked: Any) -> Any:
        """Do one replica's part of the step; returns the new totals."""
        import tensorflow as tf

        context = tf.distribute.get_replica_context()
        replica = int(tf.get_static_value(tf.convert_to_tensor(context.replica_id_in_sync_group)))
        images, labels, weight = self._share(replica, rows, seeds)
        gradients, sums = self._learn(images, labels, weight / tf.cast(tf.size(rows), tf.float32))
        self.optimizer.apply(gradients, self.model.trainable_variables)  # which adds up the replicas
        sums = tf.concat([sums * weight, [asked]], 0)
        return totals + self._synchronized(context, sums)

    def _share(self, replica: int, rows: Any, seeds: Any) -> tuple[Any, Any, Any]:
        """Return images, labels and weight of the replica's share of the rows.

        A batch that does not divide gives some replicas a row more. Where there are fewer rows than
        replicas, some get one that counts for nothing: there is no batch norm of no rows.
        """
        import tensorflow as tf

        images, labels = self.data[replica % len(self.data)]
        total, count = tf.size(rows), self.cluster.replicas
        start, end = replica * total // count, (replica + 1) * total // count
        share = slice(tf.minimum(start, total - 1), tf.maximum(end, start + 1)) if count > 1 else slice(None)
        with tf.device(images.device):  # else all of them would be sent to where the few are wanted
            taken, told = tf.gather(images, rows[share]), tf.gather(labels, rows[share])
        if self.augment:
            top_left, mirrored = _draws(seeds, total)
            taken = _shifted_and_mirrored(taken, self.size, top_left, mirrored[share])
        return taken, told, tf.cast(end > start, tf.float32)

    def _gradients(self, images: Any, labels: Any, weight: Any) -> tuple[Any, Any]:
        """Return the gradients of the weighted loss, and the plain sums of loss and right answers."""
        import tensorflow as tf

        with tf.GradientTape() as tape:
            losses, probabilities = self.loss(self.model, images, labels)
            loss = tf.reduce_sum(losses)
            scaled = self.optimizer.scale_loss(loss * weight)
        right = tf.equal(tf.argmax(probabilities, 1), labels)
        sums = tf.stack([loss, tf.reduce_sum(tf.cast(right, tf.float32))])
        return tape.gradient(scaled, [v.value for v in self.model.trainable_variables]), sums

    def _synchronized(self, context: Any, sums: Any) -> Any:
        """Give all replicas the same moving statistics; returns the sums over all."""
        import tensorflow as tf

        count = self.cluster.replicas
        if count == 1:
            return sums
        own = [variable.value / count for variable in self.statistics]
        *means, sums = context.all_reduce(tf.distribute.ReduceOp.SUM, [*own, sums])
        for variable, mean in zip(self.statistics, means, strict=True):
            variable.assign(mean)
        return sums


def _placed(x: Images, y: Labels, device: str) -> tuple[Any, Any]:
    """Return the rows on a device; variables, for rows can be picked out of those wherever they are."""
    import tensorflow as tf

    with tf.device(device):
        return tuple(tf.Variable(np.asarray(a), trainable=False) for a in (x, y))


def _moving_statistics(model: Any) -> list[Any]:
    """Return the variables that follow the data and are not trained: those of the batch norms."""
    return [v for v in model.non_trainable_variables if v.dtype.startswith("float")]


def _draws(seeds: Any, rows: Any) -> tuple[Any, Any]:
    """Return int32[2], how far to shift a batch, and bool[rows], which to mirror."""
    import tensorflow as tf

    top_left = tf.random.stateless_uniform([2], seeds[0], 0, 2 * _SHIFT_PX + 1, tf.int32)
    return top_left, tf.random.stateless_uniform([rows], seeds[1]) < 0.5


def _shifted_and_mirrored(images: Any, size: Sequence[int], top_left: Any, mirrored: Any) -> Any:
    """Return images shifted by up to two pixels, some of them mirrored."""
    import tensorflow as tf

    (height, width), (top, left) = size, tf.unstack(top_left)
    pad = [[0, 0], [_SHIFT_PX, _SHIFT_PX], [_SHIFT_PX, _SHIFT_PX], [0, 0]]
    shifted = tf.pad(images, pad, "REFLECT")[:, top : top + height, left : left + width]
    return tf.where(mirrored[:, None, None, None], shifted[:, :, ::-1], shifted)
