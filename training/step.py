"""One step of a training: a batch is shared out, each replica learns from its rows, all stay equal.

The rows of a batch and how they are shifted and mirrored come from the caller, for the whole batch, so
that N replicas learn from the same as one. Each takes an equal share of the rows, and its loss counts
as its share of the batch, so that the sum of the gradients is that of the mean over the batch.

Batch norms normalize over a replica's own rows. Their moving statistics are averaged over the replicas
in every step, so that there is one model at any time and not one a replica.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import nullcontext
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from boomerang.errors import ConfigError
from boomerang.manifest import Images, Labels
from training.architectures.common.base import LOGITS
from training.cluster import Cluster
from training.learning.augment import Augment, Seeds
from training.learning.descent import Loss, Offset, cross_entropy
from training.learning.reading import Batch, Reading
from training.learning.recording import seen

# A GPU of 16 GB, the least that SageMaker trains on, keeps so much data beside model and activations.
_RESIDENT_BYTES = 4 << 30


def twin(model: Any, *, floats: str = "float32") -> Any:
    """Return a copy of a model, made of variables of the strategy in whose scope this is called.

    One that computes in `float16` or `bfloat16` does so but for the last layers, whose sums and
    exponentials would not fit; its variables are float32 all the same.
    """
    import keras

    def copy(layer: Any) -> Any:
        exact = layer.name == LOGITS or isinstance(layer, keras.layers.Softmax)
        precision = {} if exact or floats == "float32" else {"dtype": f"mixed_{floats}"}
        return type(layer).from_config(layer.get_config() | precision)

    return keras.models.clone_model(model, clone_function=copy)


def at_size(model: Any, side: int) -> Any:
    """Return a model of the same variables that takes square images of another side.

    Raises
    ------
    ConfigError
        If the network cannot.
    """
    import keras

    shape = (side, side, model.input_shape[-1])
    if model.input_shape[1:] == shape:
        return model
    images = keras.Input(shape, dtype="uint8")
    try:
        return keras.Model(images, model.call(images))
    except ValueError as error:
        why = f"the network cannot take images of {side} x {side} pixels"
        do = "leave it out, or take a network with global pooling"
        raise ConfigError("'train.sizes'", why, do) from error


class Step:
    """The compiled step of one training.

    Parameters
    ----------
    model : keras.Model
        Of the cluster's strategy, as is the optimizer, which is built.
    optimizer : keras.Optimizer
    reading : Reading
        The rows to learn from.
    augment : Augment
    cluster : Cluster
    loss : Loss
    offset : Offset, optional
    xla : bool
        Whether the gradients are to be compiled by XLA.
    """

    def __init__(
        self,
        model: Any,
        optimizer: Any,
        reading: Reading,
        *,
        augment: Augment,
        cluster: Cluster,
        loss: Loss = cross_entropy,
        offset: Offset | None = None,
        xla: bool = False,
    ) -> None:
        self.model, self.optimizer, self.cluster, self.loss = model, optimizer, cluster, loss
        self.offset, self.augment, self.image = offset, augment, reading.x.shape[1:]
        resident = cluster.accelerated and not reading.windowed and reading.x.nbytes <= _RESIDENT_BYTES
        self.data = [
            _placed(reading.x, reading.y, device) for device in (cluster.devices if resident else ())
        ]
        self.statistics = _moving_statistics(model)
        self.untried = self.xla = xla
        self._models: dict[int | None, Any] = {None: model}
        self._steps: dict[int | None, Any] = {}

    def take_sizes(self, sides: Iterable[int]) -> None:
        """Make ready for images of these sides; raises ConfigError if the network cannot take them."""
        with self.cluster.strategy.scope():
            self._models |= {side: at_size(self.model, side) for side in sides}

    def __call__(
        self,
        batch: Batch,
        seeds: Seeds,
        totals: Any,
        asked: bool,
        turned: npt.NDArray[np.bool_] | None = None,
        side: int | None = None,
    ) -> tuple[Any, list[Any]]:
        """Learn from one batch.

        Parameters
        ----------
        batch : Batch
            The whole batch, of all replicas.
        seeds : int32[2, 2]
            Of the augmentation of this batch.
        totals : float32[3]
            Summed loss and right answers of the epoch before this step, and whether a process asks to
            stop.
        asked : bool
            Whether this one does.
        turned : bool[B], optional
            The rows that an alternating mirror mirrors.
        side : int, optional
            To be resized to; one of those that were taken.

        Returns
        -------
        float32[3], list of float32[B, 2]
            The totals after the step, the same on all; and what each replica of this process saw of its rows
            (`training.learning.recording.seen`), zero for the others.
        """
        if turned is None:
            turned = np.zeros(len(batch.rows), bool)
        given = (batch.rows,) if self.data else (batch.x, batch.y)
        arguments = (given, turned, seeds, totals, np.float32(asked))
        if side not in self._steps:
            self._steps[side] = self._traced(side)
        results = self._tried(side, arguments) if self.untried else self._steps[side](*arguments)
        totals, parts = map(self.cluster.strategy.experimental_local_results, results)
        return totals[0], list(parts)

    def _tried(self, side: int | None, arguments: tuple[Any, ...]) -> Any:
        """Do the first compiled step; where XLA cannot compile the model, do it without.

        Asked to be deterministic, XLA has no kernel for some gradients, as that of max pooling.
        """
        import tensorflow as tf

        self.untried = False
        try:
            return self._steps[side](*arguments)
        except tf.errors.OpError as error:
            if self.cluster.chief:
                why = error.message.splitlines()[0].rpartition("}} ")[2]
                print(f"XLA cannot compile this model, it trains without: {why}", flush=True)
            self.xla = False
            self._steps[side] = self._traced(side)
            return self._steps[side](*arguments)

    def _traced(self, side: int | None) -> Any:
        """Return the function of a step on images of a side; it is traced at the first one."""
        import tensorflow as tf

        gradients = partial(self._gradients, self._models[side])
        learn = tf.function(gradients, jit_compile=True, autograph=False) if self.xla else gradients
        rows = tf.TensorSpec([None], tf.int64)
        signature = [
            (rows,) if self.data else (tf.TensorSpec([None, *self.image], tf.uint8), rows),
            tf.TensorSpec([None], tf.bool),
            tf.TensorSpec([2, 2], tf.int32),
            tf.TensorSpec([3], tf.float32),
            tf.TensorSpec([], tf.float32),
        ]
        run, replica = self.cluster.strategy.run, partial(self._replica, learn, side)
        return tf.function(lambda *arguments: run(replica, arguments), signature, autograph=False)

    @property
    def traces(self) -> int:
        """How often the step was traced; once for each size of images, if all is well."""
        return sum(int(step.experimental_get_tracing_count()) for step in self._steps.values())

    def _replica(
        self, learn: Any, side: int | None, given: Any, turned: Any, seeds: Any, totals: Any, asked: Any
    ) -> Any:
        """Do one replica's part of the step; returns the new totals, and what it saw of its rows."""
        import tensorflow as tf

        context = tf.distribute.get_replica_context()
        replica = int(tf.get_static_value(tf.convert_to_tensor(context.replica_id_in_sync_group)))
        share, weight = self._share(replica, tf.size(turned))
        images, labels = self._taken(replica, share, given)
        images = self.augment(images, share, seeds, turned, side)
        part = images, labels, weight / tf.cast(tf.size(turned), tf.float32)
        gradients, sums, told = learn(*part)
        if self.offset is not None:
            gradients = learn(*part, self._beside(self.offset, context, gradients))[0]
        self.optimizer.apply(gradients, self.model.trainable_variables)  # which adds up the replicas
        sums = tf.concat([sums * weight, [asked]], 0)
        if self.cluster.replicas > 1:
            told = tf.pad(told * weight, [[share.start, tf.size(turned) - share.stop], [0, 0]])
        return totals + self._synchronized(context, sums), told

    def _share(self, replica: int, total: Any) -> tuple[slice, Any]:
        """Return which of a batch's rows are the replica's, and what its share of the loss weighs.

        A batch that does not divide gives some replicas a row more. Where there are fewer rows than
        replicas, some get one that counts for nothing: there is no batch norm of no rows.
        """
        import tensorflow as tf

        count = self.cluster.replicas
        start, end = replica * total // count, (replica + 1) * total // count
        share = slice(tf.minimum(start, total - 1), tf.maximum(end, start + 1)) if count > 1 else slice(None)
        return share, tf.cast(end > start, tf.float32)

    def _taken(self, replica: int, share: slice, given: Any) -> tuple[Any, Any]:
        """Return images and labels of the replica's share."""
        import tensorflow as tf

        if not self.data:
            with tf.device("CPU:0"):  # else all of them would be sent to where the few are wanted
                return given[0][share], given[1][share]
        images, labels = self.data[replica % len(self.data)]
        with tf.device(images.device):
            return tf.gather(images, given[0][share]), tf.gather(labels, given[0][share])

    def _beside(self, offset: Offset, context: Any, gradients: list[Any]) -> list[Any]:
        """Return where the gradient is taken, the same on all replicas, from theirs at the weights."""
        import tensorflow as tf

        if self.cluster.replicas > 1:
            gradients = context.all_reduce(tf.distribute.ReduceOp.SUM, gradients)
        scale = self.optimizer.loss_scale_factor or 1.0
        weights = [tf.convert_to_tensor(v.value) for v in self.model.trainable_variables]
        offsets = offset(weights, [each / scale for each in gradients])
        return [weight + each for weight, each in zip(weights, offsets, strict=True)]

    def _gradients(
        self, model: Any, images: Any, labels: Any, weight: Any, at: list[Any] | None = None
    ) -> tuple[Any, Any, Any]:
        """Return the gradients of the weighted loss, the plain sums of loss and right answers, and `seen`.

        They are taken at the weights, or at some others; then nothing remembers that, no moving statistics.
        """
        import keras
        import tensorflow as tf

        variables = self.model.trainable_variables
        sources = [v.value for v in variables] if at is None else at
        with tf.GradientTape() as tape:
            if at is not None:
                tape.watch(at)
            with nullcontext() if at is None else keras.StatelessScope(zip(variables, at, strict=True)):
                losses, probabilities = self.loss(model, images, labels)
            loss = tf.reduce_sum(losses)
            scaled = self.optimizer.scale_loss(loss * weight)
        right = tf.equal(tf.argmax(probabilities, 1), labels)
        sums = tf.stack([loss, tf.reduce_sum(tf.cast(right, tf.float32))])
        return tape.gradient(scaled, sources), sums, seen(probabilities, labels)

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
    return [v for v in model.non_trainable_variables if v.name.startswith("moving_")]
