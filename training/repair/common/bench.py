"""What a repair works with: the defender's rows, and the honest training."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from boomerang.settings import TrainConfig
from training.architectures.common.base import Architecture, fresh
from training.checkpoint import Checkpoints
from training.cluster import Cluster
from training.fit import NUMBERS, History, fit, solve
from training.labeled import Labeled
from training.learning.descent import Loss


@dataclass
class Bench:
    """A workbench for repairs, the same for all of them.

    Attributes
    ----------
    kept : Labeled
        The rows that the screen kept, labels as given; all rows where there was no screen. Rows of the past
        are among them, first. As of the others, the images may be more than fit into memory: go through
        them with `boomerang.blocks.blocks`.
    flagged : Labeled
        The rows that it did not keep.
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
    """

    kept: Labeled
    flagged: Labeled
    trusted: Labeled
    classes: tuple[str, ...]
    config: TrainConfig
    architecture: Architecture
    seed: int
    cluster: Cluster
    checkpoints: Callable[[Any, int], Checkpoints]
    _done: list[tuple[Checkpoints, History]] = field(default_factory=list)

    def build(self) -> Any:
        """Return a network as the victim's, untrained: a keras.Model."""
        return fresh(self.architecture, self.kept, self.classes)

    def anew(self) -> Any:
        """Return a network as the victim's, trained on the kept rows as the victim was on all."""
        if self.architecture.in_steps:
            model = self.build()
            self.fit(model)
            return model
        model, history = solve(self.architecture, self.kept, self.trusted, len(self.classes))
        self._done.append((self.checkpoints(model, len(self._done)), history))
        return model

    def fit(
        self,
        model: Any,
        rows: Labeled | None = None,
        config: TrainConfig | None = None,
        loss: Loss | None = None,
    ) -> History:
        """Train a model in place, as `training.fit.fit` does; the trusted rows are watched.

        Parameters
        ----------
        model : keras.Model
        rows : Labeled, optional
            To learn from; the kept ones, if nothing else is given.
        config : TrainConfig, optional
            Another than that of a training from scratch.
        loss : Loss, optional
            Another than the honest one.

        Returns
        -------
        History

        Raises
        ------
        ConfigError
            See `training.fit.fit`; also if the network is solved at once and takes no steps.
        """
        self.architecture.check_steps("a repair that trains the model further")
        rows = rows or self.kept
        checkpoints = self.checkpoints(model, len(self._done))
        if self.cluster.chief:
            total = len(self.kept.x) + len(self.flagged.x)
            print(f"training on {len(rows.x)} of {total} rows", flush=True)
        history = fit(
            model,
            *rows,
            self.trusted,
            config or self.config,
            self.seed,
            cluster=self.cluster,
            checkpoints=checkpoints,
            loss=loss,
            rates=self.architecture.rates,
        )
        self._done.append((checkpoints, history))
        return history

    @property
    def history(self) -> History:
        """The epochs of all trainings so far, one after the other."""
        histories: Sequence[History] = [history for _, history in self._done]
        return {name: tuple(n for history in histories for n in history[name]) for name in NUMBERS}

    def clear(self) -> None:
        """Remove the checkpoints of all trainings: the model is written."""
        for checkpoints, _ in self._done:
            checkpoints.clear()
