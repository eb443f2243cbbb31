"""What a repair works with: the defender's rows, and the honest training."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from boomerang.manifest import Bools
from boomerang.settings import TrainConfig
from training.architectures.common.base import Architecture, fresh
from training.checkpoint import Checkpoints
from training.cluster import Cluster
from training.fit import NUMBERS, History, fit, solve
from training.labeled import Labeled, joined
from training.learning.channels import Cuts
from training.learning.descent import Loss, Offset


@dataclass
class Bench:
    """A workbench for repairs, the same for all of them.

    Attributes
    ----------
    rows : Labeled
        All rows, labels as given. As of the others, the images may be more than fit into memory: go through
        them with `boomerang.blocks.blocks`.
    kept : Labeled
        The rows to learn from: all rows of the past, and after them those that the screen kept, or all where
        there was no screen.
    flagged : bool[N]
        Of all rows those that it did not keep.
    trusted : Labeled
        Clean rows, never within the attacker's reach.
    classes : tuple of str
    config : TrainConfig
        How a model is trained from scratch.
    architecture : Architecture
        Of the victim, and of what is built anew.
    seed : int
    cluster : Cluster
        What trains together.
    checkpoints : callable
        Model, number of the training -> where that training goes on from and leaves its state.
    past : Labeled or None
        Rows of the past, which no screen looked at; None where there are none.
    notes : list of dict
        What each repair noted, in their order; the last is that of the repair at work.
    """

    rows: Labeled
    kept: Labeled
    flagged: Bools
    trusted: Labeled
    classes: tuple[str, ...]
    config: TrainConfig
    architecture: Architecture
    seed: int
    cluster: Cluster
    checkpoints: Callable[[Any, int], Checkpoints]
    past: Labeled | None = None
    notes: list[dict[str, Any]] = field(default_factory=lambda: [{}])
    _done: list[tuple[Checkpoints, History]] = field(default_factory=list)

    def with_past(self, rows: Labeled) -> Labeled:
        """Return the rows of the past and after them some others."""
        return rows if self.past is None else joined(self.past, rows)

    def anew(
        self, rows: Labeled | None = None, config: TrainConfig | None = None, loss: Loss | None = None
    ) -> Any:
        """Return a network as the victim's, trained from nothing on rows, without any on the kept ones.

        Parameters
        ----------
        rows : Labeled, optional
        config : TrainConfig, optional
            Another than the victim's; without effect on a network that is solved at once.
        loss : Loss, optional
            Another than the honest one.

        Raises
        ------
        ConfigError
            See `fit`; a loss of its own is refused for a network that is solved at once.
        """
        rows = rows or self.kept
        if loss is not None:
            self.architecture.check_steps("a repair with a loss of its own")
        if self.architecture.in_steps:
            model = fresh(self.architecture, rows, self.classes)
            self.fit(model, rows, config, loss)
            return model
        model, history = solve(self.architecture, rows, self.trusted, len(self.classes))
        self._done.append((self.checkpoints(model, len(self._done)), history))
        return model

    def fit(
        self,
        model: Any,
        rows: Labeled | None = None,
        config: TrainConfig | None = None,
        loss: Loss | None = None,
        offset: Offset | None = None,
    ) -> History:
        """Train a model in place, as `training.fit.fit` does, the trusted rows being watched.

        Fewer rows than a batch, as a screen may leave, are a batch: that cannot be known beforehand.

        Parameters
        ----------
        model : keras.Model
        rows : Labeled, optional
            To learn from; the kept ones, if nothing else is given.
        config : TrainConfig, optional
            Another than that of a training from scratch.
        loss : Loss, optional
            Another than the honest one.
        offset : Offset, optional
            How far from the weights the gradient is taken; without it at the weights themselves.

        Raises
        ------
        ConfigError
            See `training.fit.fit`; also if the network is solved at once and takes no steps.
        """
        self.architecture.check_steps("a repair that trains the model further")
        rows, config = rows or self.kept, config or self.config
        config = config.model_copy(update={"batch": min(config.batch, len(rows.y))})
        checkpoints = self.checkpoints(model, len(self._done))
        which = {id(self.trusted): "trusted rows", id(self.kept): f"of {len(self.rows.y)} rows"}
        self.say(f"training on {len(rows.y)} {which.get(id(rows), 'rows')}")
        history = fit(
            model,
            *rows,
            self.trusted,
            config,
            self.seed,
            cluster=self.cluster,
            checkpoints=checkpoints,
            loss=loss,
            offset=offset,
            rates=self.architecture.rates,
        )
        self._done.append((checkpoints, history))
        return history

    @property
    def history(self) -> History:
        """The epochs of all trainings so far, one after the other."""
        histories: Sequence[History] = [history for _, history in self._done]
        return {name: tuple(n for history in histories for n in history[name]) for name in NUMBERS}

    def note(self, **values: Any) -> None:
        """Leave numbers and words of the repair at work beside the model, see `boomerang.formats.model.Part`.

        They are the chief's: in other processes nothing is noted.

        Parameters
        ----------
        **values
            Of plain Python, as JSON has it, and finite.

        Raises
        ------
        TypeError, ValueError
            If one is not.
        """
        if self.cluster.chief:
            json.dumps(values, allow_nan=False)  # refuses now what could not be written at the end
            self.notes[-1] |= values

    def say(self, line: str) -> None:
        """Log a line, once for all processes."""
        if self.cluster.chief:
            print(line, flush=True)

    def clear(self) -> None:
        """Remove the checkpoints of all trainings: the model is written."""
        for checkpoints, _ in self._done:
            checkpoints.clear()


def tell(bench: Bench, cuts: Cuts, **more: Any) -> None:
    """Log and note which channels a repair has cut, and what else it has to say."""
    channels = {name: np.flatnonzero(each).tolist() for name, each in cuts.items() if each.any()}
    count = sum(map(len, channels.values()))
    bench.say(f"{count} channels cut")
    bench.note(channels_cut=count, **more, channels=channels)
