"""Training: one seeded loop for baseline, victim and hardened model, on one device or many.

What a step learns from depends on the seed, the epoch and the step alone, and a checkpoint holds all the
rest. So a training that was stopped, and goes on from its checkpoint, ends at the very weights of one
that was not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from boomerang.blocks import blocks
from boomerang.contract import Stop, hold_stop
from boomerang.errors import StepFailed, Stopped
from boomerang.manifest import Images, Labels
from boomerang.settings import TrainConfig
from training.architectures.common.base import Architecture
from training.checkpoint import Checkpoints, State
from training.cluster import Cluster, alone
from training.labeled import Labeled
from training.learning.augment import Augment, Seeds, turned
from training.learning.descent import Loss, Offset, build, check, honest_loss, optimizer_of
from training.learning.mirror import mirrored
from training.learning.precision import taken
from training.learning.reading import Reading
from training.learning.recording import Recorder
from training.model import BATCH, Ask, Floats, classifier
from training.step import Step, twin

NUMBERS = ("accuracy", "loss", "val_accuracy", "val_loss")

# One number an epoch of each of NUMBERS, as a model's card holds them.
History = dict[str, tuple[float, ...]]

_TINY = 1e-7
_ASKED_AT_ONCE = 10 * BATCH


def seed_everything(seed: int) -> None:
    """Make the process' TensorFlow reproducible: same seed, same machine, same weights."""
    import keras
    import tensorflow as tf

    keras.backend.clear_session()  # layers are named by a counter
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()


def fit(
    model: Any,
    x: Images,
    y: Labels,
    validation: tuple[Images, Labels],
    config: TrainConfig,
    seed: int,
    *,
    cluster: Cluster | None = None,
    checkpoints: Checkpoints | None = None,
    loss: Loss | None = None,
    offset: Offset | None = None,
    rates: Mapping[str, float] | None = None,
    recorder: Recorder | None = None,
) -> History:
    """Train a model in place.

    Parameters
    ----------
    model : keras.Model
        In float32. In the chief it ends up trained, in float32, on whatever it was trained.
    x, y : uint8[N, H, W, C] in 0..255, mapped or not, or `Picked`; int64[N]
    validation : (uint8[M, H, W, C], int64[M])
        Watched, never learned from; no choice is made on it.
    config, seed : TrainConfig, int
        `batch` is the rows of a step over all replicas; the seed is of their order and the augmentation.
    cluster : Cluster, optional; what trains together, each process by the same call, see `_Training`
    checkpoints : Checkpoints, optional
        Where to go on from, and where to leave the state at the end of each epoch and on SIGTERM.
    loss : Loss, optional
        What is learned, without it the honest one; its mean over the rows is the history's `loss`.
    offset : Offset, optional; without it the gradient is that at the weights themselves
    rates : mapping of str to float, optional; see `Architecture.rates`
    recorder : Recorder, optional; in the chief it ends up with the record

    Returns
    -------
    dict of str to tuple of float
        One number an epoch of `loss` and `accuracy` on the rows learned from, and `val_` of each.

    Raises
    ------
    ConfigError
        If the settings cannot work on these rows, or with this network.
    Stopped, StepFailed
        If this process, or another of the cluster, got SIGTERM; if the loss is no longer a number.
    """
    check(config, len(y), x.shape[1:])
    rows, learned = Reading(Labeled(x, y), seed, config.batch), loss or honest_loss(config)
    lesson = _Lesson(rows, Labeled(*validation), config, seed, learned, offset, rates or {})
    recorder = recorder or Recorder(config.epochs, len(y), len(validation[1]))
    return _Training(model, lesson, cluster or alone(), checkpoints, recorder).run()


def solve(
    architecture: Architecture, rows: Labeled, validation: Labeled, classes: int
) -> tuple[Any, History]:
    """Return a network that is solved at once, and its history, which has a single epoch.

    Parameters
    ----------
    architecture : Architecture
        One that does not learn in steps.
    rows : Labeled
        To learn from.
    validation : Labeled
        Watched, never learned from.
    classes : int

    Raises
    ------
    ConfigError
        If there are more rows than it can learn from.
    """
    architecture.check_rows(len(rows.y))
    model = architecture.solve(rows, classes)
    ask = classifier(model)
    numbers = [number for x, y in (rows, validation) for number in measured(answers(ask, x), y)]
    history: History = {name: (number,) for name, number in zip(NUMBERS, numbers, strict=True)}
    print("solved at once " + " ".join(f"{k}={v[0]:.4f}" for k, v in history.items()), flush=True)
    return model, history


def answers(ask: Ask, x: Images) -> Floats:
    """Return float32[N, K], class probabilities of rows, which are read in blocks."""
    return np.concatenate([ask(block) for _, block in blocks(x, _ASKED_AT_ONCE)])


def measured(probabilities: Floats, y: Labels) -> tuple[float, float]:
    """Return accuracy and loss, cross entropy, of answers float32[N, K] for labels int64[N]."""
    told = np.clip(probabilities[np.arange(len(y)), y].astype(np.float64), _TINY, 1)
    return accuracy(probabilities, y), float(-np.log(told).mean())


def batch_seeds(seed: int, epoch: int, step: int) -> Seeds:
    """Return int32[2, 2], the seeds of a batch's augmentation."""
    rng = np.random.default_rng([seed, epoch, step])
    return rng.integers(0, 2**31, (2, 2), np.int64).astype(np.int32)


@dataclass(frozen=True)
class _Lesson:
    """What is to be learned, and how; see `fit`."""

    rows: Reading
    validation: Labeled
    config: TrainConfig
    seed: int
    loss: Loss
    offset: Offset | None
    rates: Mapping[str, float]

    def side(self, epoch: int) -> int | None:
        """The side of the images in an epoch, where it is not the data's own."""
        sizes = self.config.sizes
        return sizes[epoch] if sizes and sizes[epoch] != self.rows.x.shape[1] else None


class _Training:
    """One training while it goes on; see `fit`.

    Several processes train with the same arguments. The chief's starting point is everybody's: the others
    take model, optimizer and position from it, whatever they have themselves, and read no checkpoint.
    Validation, log and checkpoints are the chief's as well.
    """

    def __init__(
        self,
        model: Any,
        lesson: _Lesson,
        cluster: Cluster,
        checkpoints: Checkpoints | None,
        recorder: Recorder,
    ) -> None:
        self.model, self.lesson, self.config = model, lesson, lesson.config
        self.cluster, self.checkpoints, self.steps = cluster, checkpoints, lesson.rows.steps
        self.recorder = recorder
        takes, sides = (
            taken(self.config, cluster),
            {lesson.side(e) for e in range(self.config.epochs)} - {None},
        )
        with cluster.strategy.scope():
            # Of a model that takes several sizes every layer has an output in each.
            apart = takes.mixed or cluster.replicas > 1 or sides
            self.trained = twin(model, floats=takes.floats) if apart else model
            scaled = takes.floats == "float16"
            steps = self.config.epochs * self.steps
            self.optimizer = optimizer_of(self.config, steps, scaled=scaled, rates=lesson.rates)
            build(self.optimizer, self.trained.trainable_variables)
        self.do = Step(
            self.trained,
            self.optimizer,
            lesson.rows,
            augment=Augment.of(self.config),
            cluster=cluster,
            loss=lesson.loss,
            offset=lesson.offset,
            xla=takes.xla,
        )
        self.do.take_sizes(side for side in sides if side is not None)
        self.say(takes.words)
        self.saved = mirrored(model) if self.config.mirror_at_test else model
        self.ask = classifier(self.saved)
        self.epoch = self.step = 0
        self.totals: Any = np.zeros(3, np.float32)
        self.history: list[list[float]] = []

    @property
    def variables(self) -> list[Any]:
        """All that changes in a step, but for the totals."""
        return [*self.trained.variables, *self.optimizer.variables]

    @property
    def table(self) -> npt.NDArray[np.float64]:
        """float64[epochs done, 4], the history."""
        return np.array(self.history, np.float64).reshape(-1, len(NUMBERS))

    def run(self) -> History:
        """Go through all epochs that are left, and return the numbers of all."""
        with hold_stop() as stop:
            self.start()
            while self.epoch < self.config.epochs:
                self.learn(stop)
                self.end_epoch()
                self.stop_if(stop.asked)
        self.update_model()
        return {name: tuple(map(float, column)) for name, column in zip(NUMBERS, self.table.T, strict=True)}

    def state(self) -> State:
        """Return where the training is."""
        values = [*self.cluster.read(self.variables), np.array(self.totals), *self.recorder.values]
        return State(self.epoch, self.step, values, self.table)

    def start(self) -> None:
        """Take up the chief's newest checkpoint, or the chief's fresh model."""
        if self.trained is not self.model:
            self.cluster.write(self.trained.variables, alone().read(self.model.variables))
        state = self.state()
        if self.cluster.chief and self.checkpoints is not None:
            state = self.checkpoints.latest(state.values) or state
        position, count = np.array([state.epoch, state.step], np.int64), len(self.variables)
        # The record is the chief's alone: the others add what they see to nothing.
        totals, *self.recorder.values = state.values[count:]
        position, totals, *values = self.cluster.share([position, totals, *state.values[:count]])
        self.cluster.write(self.variables, values)
        self.epoch, self.step = map(int, position)
        self.totals, self.history = totals, state.history.tolist()
        if self.epoch or self.step:
            self.say(f"going on after {self.where}")

    def learn(self, stop: Stop) -> None:
        """Go through the rest of the epoch's rows."""
        seed, side = self.lesson.seed, self.lesson.side(self.epoch)
        for step in range(self.step, self.steps):
            batch, before = self.lesson.rows(self.epoch, step), self.totals
            seeds, turns = batch_seeds(seed, self.epoch, step), turned(seed, self.epoch, batch.rows)
            self.totals, told = self.do(batch, seeds, before, stop.asked, turns, side)
            self.recorder.note(batch.rows, told)
            self.step = step + 1
            # Several processes stop after the same step or wait for each other for ever. What they
            # look at is a step old, so that no step is waited for before the next one is sent.
            asked = float(before[2]) > 0 if self.cluster.processes > 1 else stop.asked
            if asked and self.step < self.steps:
                self.leave()

    def end_epoch(self) -> None:
        """Note the epoch's numbers, on the chief with those of the validation, and keep the state."""
        loss, right, _ = np.array(self.totals, np.float64) / len(self.lesson.rows)
        if not np.isfinite(loss):
            why = f"its loss is no longer a number in epoch {self.epoch + 1}"
            raise StepFailed("the training", why, "use a lower learning rate")
        self.recorder.end_epoch(self.epoch, self.cluster)
        self.epoch, self.step, self.totals = self.epoch + 1, 0, np.zeros(3, np.float32)
        if not self.cluster.chief:
            self.history.append([right, loss, np.nan, np.nan])
            return
        self.history.append([right, loss, *self.validated()])
        self.keep()
        pairs = zip(NUMBERS, self.history[-1], strict=True)
        self.say(f"epoch {self.epoch}/{self.config.epochs} " + " ".join(f"{k}={v:.4f}" for k, v in pairs))

    def validated(self) -> tuple[float, float]:
        """Return accuracy and loss on the validation rows, which are noted, of the model as it is saved."""
        self.update_model()
        if self.saved is not self.model:
            self.saved.set_weights(self.model.get_weights())
        watched = self.lesson.validation
        told = answers(self.ask, watched.x)
        self.recorder.watch(self.epoch - 1, told, watched.y)
        return measured(told, watched.y)

    def update_model(self) -> None:
        """Give the plain model what was learned, where another one is trained."""
        if self.trained is not self.model:
            alone().write(self.model.variables, self.cluster.read(self.trained.variables))

    def keep(self) -> None:
        """Write a checkpoint, if this is the chief and there is a place for it."""
        if self.cluster.chief and self.checkpoints is not None:
            self.checkpoints.save(self.state(), self.epoch * self.steps + self.step)

    def stop_if(self, asked: bool) -> None:
        """Stop between two epochs, if any process was asked to."""
        if self.cluster.agree(asked):
            self.cluster.part()
            raise self.stopped()

    def leave(self) -> None:
        """Stop within an epoch: keep the state, wait until the chief has, and end."""
        self.totals = np.array([*np.array(self.totals)[:2], 0], np.float32)
        self.recorder.gather(self.cluster)
        self.keep()
        self.cluster.part()
        raise self.stopped()

    def stopped(self) -> Stopped:
        """Return the error that says where the training stopped."""
        kept = "left a checkpoint there" if self.checkpoints else "had no place for a checkpoint"
        return Stopped(f"it got SIGTERM after {self.where} and {kept}")

    @property
    def where(self) -> str:
        """How far the training is, in words."""
        if not self.step:
            return f"epoch {self.epoch} of {self.config.epochs}"
        return f"step {self.step} of {self.steps} in epoch {self.epoch + 1} of {self.config.epochs}"

    def say(self, line: str) -> None:
        """Log a line, once for all processes."""
        if self.cluster.chief:
            print(line, flush=True)


def accuracy(probabilities: npt.NDArray[np.float32], y: Labels) -> float:
    """Return the share of rows whose most likely class is the label."""
    return float(np.mean(probabilities.argmax(1) == y))
