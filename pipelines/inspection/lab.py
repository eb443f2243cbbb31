"""The laboratory on a model: accuracy and ASR as it is, with its channels cut, as GoodNet, and repaired."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from time import process_time
from typing import Any, Literal

import numpy as np

from boomerang.config import Spec
from boomerang.errors import BadInput, BoomerangError
from boomerang.manifest import Bools, Calls
from boomerang.scoring import Rate, share
from boomerang.settings import TrainConfig
from training.architectures.common.base import Architecture
from training.checkpoint import Checkpoints
from training.cluster import alone
from training.labeled import Labeled
from training.learning.activity import PruningCurve, pruning_curve
from training.learning.channels import cut
from training.learning.mirror import copied
from training.model import NO_ANSWER, calls_of, classifier
from training.repair import REPAIRS
from training.repair.common.bench import Bench

# Model, workbench -> the repaired model; the model may be changed in place.
Act = Callable[[Any, Bench], Any]

# Of the repairs that there are, those that need a model and clean rows and no more.
_TRIED = ("clp", "pruning", "fine_pruning", "ft_sam", "pam", "fst")
# Clean rows to repair with, rows to measure on, and rows that a repair goes through in all.
_TRUSTED, _MEASURED, _LEARNED = 5_000, 2_000, 50_000
_LEAST_EPOCHS = 5
_POINTS = 21
# Accuracy that GoodNet's pruned model may lose, as the laboratories have it.
_DROPS = (0.02, 0.04, 0.1)


@dataclass(frozen=True)
class Measured:
    """What a model does on rows that it was not repaired with.

    Attributes
    ----------
    title : str
    accuracy : Rate or None
        Of the clean rows, those called right; one that is refused is not. None where there was no model.
    asr : Rate or None
        Of the rows with the trigger, those given to the attacker's class.
    refused_clean, refused_triggered : Rate or None
        Rows that are given to no class; None of a model that refuses nothing.
    cpu_s : float
        What it took to make, in seconds of the processor.
    note : str
        Why there is none, or what to know of it.
    """

    title: str
    accuracy: Rate | None
    asr: Rate | None
    refused_clean: Rate | None = None
    refused_triggered: Rate | None = None
    cpu_s: float = 0.0
    note: str = ""


@dataclass(frozen=True)
class Lab:
    """All of it.

    Attributes
    ----------
    rows : mapping of str to int
        Clean rows to repair with (`trusted`) and to measure on (`clean`), and rows with the trigger.
    models : tuple of Measured
        As it is, with GoodNet, and repaired.
    layer : str
        The convolution whose channels are cut; empty if there is none.
    cut : tuple of int
        How many, the least active on the trusted rows first.
    accuracy, asr : tuple of float
        With so many cut.
    """

    rows: dict[str, int]
    models: tuple[Measured, ...]
    layer: str
    cut: tuple[int, ...]
    accuracy: tuple[float, ...]
    asr: tuple[float, ...]


class _AsItIs(Architecture):
    """Whatever network a foreign model is: it can be trained further, and not be built anew."""

    title = "a foreign network"
    words = "the network that was handed in"
    kind: Literal["as_it_is"] = "as_it_is"

    def build(self, input_shape: tuple[int, int, int], classes: int) -> Any:
        raise BadInput(
            "a foreign network", "it cannot be built anew", "take a repair that goes on from the model"
        )


@dataclass(frozen=True)
class _Rows:
    """Rows to repair with, and to measure on."""

    trusted: Labeled
    clean: Labeled
    triggered: Labeled

    def measured(self, title: str, model: Any, **more: Any) -> Measured:
        """Return what a model does."""
        ask = classifier(model)
        clean, triggered = (calls_of(ask(rows.x)) for rows in (self.clean, self.triggered))
        return self.counted(title, clean, triggered, **more)

    def counted(self, title: str, clean: Calls, triggered: Calls, **more: Any) -> Measured:
        """Return what these answers are worth."""
        return Measured(title, share(clean == self.clean.y), share(triggered == self.triggered.y), **more)


def repairs(rows: int) -> list[tuple[str, Act]]:
    """Return the repairs that are tried, each with its title, for so many rows to learn from."""
    epochs = max(_LEAST_EPOCHS, _LEARNED // max(1, rows))
    found: list[tuple[str, Act]] = []
    for kind in _TRIED:
        if kind in REPAIRS:
            fields = REPAIRS[kind].model_fields
            few = {"epochs": min(epochs, fields["epochs"].default)} if "epochs" in fields else {}
            repair = REPAIRS.create(Spec.model_validate({"kind": kind, **few}))
            found.append((repair.title, repair.repair))
    return found


def experiment(
    model: Any,
    clean: Labeled,
    triggered: Labeled,
    classes: tuple[str, ...],
    seed: int,
    say: Callable[[str], None],
    tried: Sequence[tuple[str, Act]] | None = None,
) -> Lab:
    """Measure a model, cut its channels, wrap it as GoodNet and repair it.

    Half of the clean rows, 5,000 at most, are for repairs and for what they choose; accuracy is measured on
    the others, ASR on the rows with the trigger, 2,000 of each at most, drawn by the seed.

    Parameters
    ----------
    model : keras.Model
        In the form of ours; it is not changed.
    clean : Labeled
        2 rows or more.
    triggered : Labeled
        Labeled with the class that the attacker wants.
    classes : tuple of str
    seed : int
    say : callable
        Is told how far it got.
    tried : sequence of (str, callable), optional
        Repairs; without them all that fit.

    Raises
    ------
    BadInput
        If there are fewer than 2 clean rows.
    """
    if len(clean.y) < 2:
        raise BadInput("--clean", "it has one row", "give rows to repair with and others to measure on")
    rows = _dealt(clean, triggered, seed)
    say("measuring the model")
    found = [rows.measured("as it is", model)]
    curve = _curve(model, rows.trusted)
    points, accuracy, asr = _cut_by_cut(model, curve, rows, say) if curve else ((), (), ())
    found += _goodnets(model, curve, rows) if curve else []
    for title, act in repairs(len(rows.trusted.y)) if tried is None else tried:
        say(f"repair: {title}")
        found.append(_repaired(title, act, model, rows, classes, seed))
    counts = {name: len(each.y) for name, each in vars(rows).items()}
    return Lab(counts, tuple(found), curve.layer if curve else "", points, accuracy, asr)


def _dealt(clean: Labeled, triggered: Labeled, seed: int) -> _Rows:
    order = np.random.default_rng(seed).permutation(len(clean.y))
    half = min(_TRUSTED, len(order) // 2)
    drawn = np.random.default_rng(seed).permutation(len(triggered.y))[:_MEASURED]
    return _Rows(_some(clean, order[:half]), _some(clean, order[half:][:_MEASURED]), _some(triggered, drawn))


def _some(rows: Labeled, which: Any) -> Labeled:
    which = np.sort(which)
    return Labeled(np.ascontiguousarray(rows.x[which]), np.asarray(rows.y[which]))


def _curve(model: Any, trusted: Labeled) -> PruningCurve | None:
    try:
        return pruning_curve(model, "", trusted)
    except BoomerangError:  # a network without a convolution
        return None


def _cut_by_cut(
    model: Any, curve: PruningCurve, rows: _Rows, say: Callable[[str], None]
) -> tuple[tuple[int, ...], tuple[float, ...], tuple[float, ...]]:
    """Return how many channels are cut, and accuracy and ASR then, at some twenty places from none to all."""
    say(f"cutting the channels of {curve.layer}")
    work = copied(model)
    ask = classifier(work)
    points = np.unique(np.linspace(0, len(curve.order), _POINTS).astype(int))
    numbers = []
    for point in points:
        cut(work, {curve.layer: _first(curve, point)})
        calls = [calls_of(ask(each.x)) == each.y for each in (rows.clean, rows.triggered)]
        numbers.append([float(each.mean()) for each in calls])
    accuracy, asr = zip(*numbers, strict=True)
    return tuple(map(int, points)), accuracy, asr


def _first(curve: PruningCurve, count: int) -> Bools:
    channels = np.zeros(len(curve.order), bool)
    channels[curve.order[:count]] = True
    return channels


def _goodnets(model: Any, curve: PruningCurve, rows: _Rows) -> list[Measured]:
    """Return GoodNets: where the model and a pruned one disagree, the row is given to no class."""
    ask, work = classifier(model), copied(model)
    pruned = classifier(work)
    both = [calls_of(ask(each.x)) for each in (rows.clean, rows.triggered)]
    found = []
    for drop in _DROPS:
        cut(work, {curve.layer: curve.cut_until(drop)})
        agree = [
            calls == calls_of(pruned(each.x))
            for calls, each in zip(both, (rows.clean, rows.triggered), strict=True)
        ]
        clean, triggered = (np.where(same, calls, NO_ANSWER) for same, calls in zip(agree, both, strict=True))
        refused = [share(~same) for same in agree]
        title = f"GoodNet, a drop of {drop:.0%}"
        found.append(
            rows.counted(title, clean, triggered, refused_clean=refused[0], refused_triggered=refused[1])
        )
    return found


def _repaired(title: str, act: Act, model: Any, rows: _Rows, classes: tuple[str, ...], seed: int) -> Measured:
    import keras

    began = process_time()
    keras.utils.set_random_seed(seed)
    # A training says each epoch, to whoever reads the log of a job.
    with tempfile.TemporaryDirectory() as scratch, redirect_stdout(StringIO()):
        try:
            better = act(copied(model), _bench(rows.trusted, classes, seed, Path(scratch)))
        except BoomerangError as error:
            return Measured(title, None, None, note=f"{error.what}: {error.why}")
        except Exception as error:  # a foreign network may break a repair anywhere, and not the others
            return Measured(title, None, None, note=f"it stopped: {type(error).__name__}: {error}"[:300])
    return rows.measured(title, better, cpu_s=process_time() - began)


def _bench(trusted: Labeled, classes: tuple[str, ...], seed: int, scratch: Path) -> Bench:
    """Return a workbench on which all rows are trusted ones."""
    return Bench(
        rows=trusted,
        kept=trusted,
        flagged=np.zeros(len(trusted.y), bool),
        trusted=trusted,
        classes=classes,
        config=TrainConfig(),
        architecture=_AsItIs(),
        seed=seed,
        cluster=alone(),
        checkpoints=lambda _, number: Checkpoints(scratch / str(number), "inspection"),
    )
