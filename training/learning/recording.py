"""What a training sees of each row on its way: whether it agrees with the label, and how soon.

It costs no pass of its own. A row that is learned from is looked at in its batch, as the model answers for it
right before that step, augmented as it is learned; a row that is watched, at the end of each epoch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from boomerang.formats.model import Record
from boomerang.manifest import Labels
from training.cluster import Cluster
from training.learning.augment import Ints

Seen = npt.NDArray[np.float32]

# Li et al. 2021 (anti-backdoor learning) take the rows of the lowest loss after 20 of 100 epochs.
_EARLY_SHARE = 0.2
_SECOND = 2
_TINY = float(np.finfo(np.float32).tiny)


def early_epoch(epochs: int) -> int:
    """Return the epoch, counted from 1, whose losses are kept: the one at a fifth of them, not the first.

    In the first the model learns so fast that a row's loss says when its batch came, and little of the row.

    >>> [early_epoch(epochs) for epochs in (1, 5, 12, 100)]
    [1, 2, 2, 20]
    """
    return min(epochs, max(_SECOND, round(_EARLY_SHARE * epochs)))


def seen(answers: Any, labels: Any) -> Any:
    """Return what answers say of labels, in TensorFlow's operations.

    The margin is that of the logits, which softmax shifts all alike; probabilities below float32's least
    normal number (1.2e-38) count as that, so it lies within -87.4..87.4.

    Parameters
    ----------
    answers : float[B, K]
        Class probabilities.
    labels : int64[B]

    Returns
    -------
    float32[B, 2]
        The log odds of the label against the most likely other class; and -log p of the label.
    """
    import tensorflow as tf

    logs = tf.math.log(tf.maximum(tf.cast(answers, tf.float32), _TINY))
    own = tf.one_hot(labels, answers.shape[-1], on_value=True, off_value=False, dtype=tf.bool)
    of_label = tf.reduce_max(tf.where(own, logs, -np.inf), 1)
    others = tf.reduce_max(tf.where(own, -np.inf, logs), 1)
    return tf.stack([of_label - others, -of_label], 1)


class Recorder:
    """Keeps the record of one training.

    Of several processes each sees some rows of an epoch. At its end the chief is told of all of them, and
    only the chief has the sums: so a row's are taken in the order of the epochs, whoever saw it.

    Parameters
    ----------
    epochs, rows, watched : int
        Of the training, of those learned from, and of those watched.

    Attributes
    ----------
    values : list of arrays
        All that is known, for a checkpoint: float32[2, N] of the epoch so far; and of those before, sums of
        margins and the early losses, float32[2, N] and float32[2, M].
    """

    def __init__(self, epochs: int, rows: int, watched: int) -> None:
        self.epochs, self.early = epochs, early_epoch(epochs)
        self.values = [np.zeros((2, count), np.float32) for count in (rows, rows, watched)]
        self._batches: list[tuple[Ints, Sequence[Any]]] = []

    def note(self, rows: Ints, parts: Sequence[Any]) -> None:
        """Keep what was seen of a batch, int64[B], as `Step` returns it; nothing is waited for."""
        self._batches.append((rows, parts))

    def gather(self, cluster: Cluster) -> None:
        """Bring together what all processes have seen in this epoch; all of them call it."""
        now = self.values[0]
        for rows, parts in self._batches:
            now[:, rows] = np.sum([np.asarray(part) for part in parts], axis=0).T
        self._batches.clear()
        now[:] = cluster.united_parts(now)

    def end_epoch(self, epoch: int, cluster: Cluster) -> None:
        """Add an epoch's, whose number is counted from 0, to those before; all processes call it."""
        self.gather(cluster)
        now, sums, _ = self.values
        self._add(sums, now, epoch)
        now[:] = 0

    def watch(self, epoch: int, answers: Seen, y: Labels) -> None:
        """Add what the model says of the watched rows at the end of an epoch, float32[M, K] and int64[M]."""
        self._add(self.values[2], seen(answers, y).numpy().T, epoch)

    def _add(self, sums: Seen, now: Seen, epoch: int) -> None:
        sums[0] += now[0]
        if epoch + 1 == self.early:
            sums[1] = now[1]

    def record(self, y: Labels, watched: Labels) -> Record:
        """Return what is kept, once all epochs are done, with the labels int64[N] and int64[M]."""
        margins, early_loss = np.concatenate(self.values[1:], axis=1)
        labels = np.concatenate([y, watched]).astype(np.int64)
        return Record(margins / np.float32(self.epochs), early_loss, labels, len(y))
