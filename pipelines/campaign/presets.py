"""The training settings of an entry, whole: what it says, and where it is silent what its network wants."""

from __future__ import annotations

import math

from boomerang.config import validate
from boomerang.errors import ConfigError
from boomerang.settings import DataConfig, TrainConfig
from pipelines.campaign.sections import VictimConfig
from training.architectures.common.base import Architecture

# So many steps a training takes at least, where the entry leaves it to the rows, in so many epochs at most.
# On 200 to 2,000 rows of Fashion-MNIST (`small`, one seed, validation rows) 400 and 800 steps were no more
# than a point better than 200, and batches of 32 as right as of 128 at half the price.
_STEPS, _MOST_EPOCHS, _SMALL_BATCH = 200, 100, 32
# A model that has learned is not thrown about again.
_TUNING = 0.1


def whole(config: TrainConfig, architecture: Architecture, rows: int = 0) -> TrainConfig:
    """Return `[train]` with a value for every key.

    What the architecture recommends stands where the entry says nothing; sides by epoch only with the
    recommended number of epochs. For one that is solved at once the defaults stand, whatever the entry says:
    no step's key hangs on what it takes no notice of. Where neither says how long, and the `rows` to train on
    were counted in files (else they are 0), batch and epochs follow from them.

    Raises
    ------
    ConfigError
        If the settings do not fit each other, or the network.
    """
    if not architecture.in_steps:
        return TrainConfig()
    said = config.model_dump(include=config.model_fields_set)
    recommended = dict(architecture.recipe)
    if said.get("epochs", recommended.get("epochs")) != recommended.get("epochs"):
        recommended.pop("sizes", None)
    of_rows = {} if {"epochs", "sizes"} & {*recommended, *said} else _of_rows(rows, said.get("batch", 0))
    full = {**TrainConfig().model_dump(), **of_rows, **recommended, **said}
    train = validate(TrainConfig, full, where=f"[train] (for {architecture.kind})")
    if "momentum" in said and train.optimizer == "adam":
        why = "Adam has momenta of its own and takes no notice of it"
        raise ConfigError("'train.momentum'", why, 'set train.optimizer = "sgd", or leave it out')
    check_sizes(train, architecture)
    return train


def _of_rows(rows: int, batch: int) -> dict[str, int]:
    """Return the batch, if none was said (0), and the epochs that few rows need; nothing for enough."""
    usual = TrainConfig()
    size = batch or usual.batch
    if not rows or usual.epochs * math.ceil(rows / size) >= _STEPS:
        return {}
    if not batch:
        # A quarter of very few rows, so that an epoch is no single step.
        size = min(_SMALL_BATCH, max(1, rows // 4))
    epochs = max(usual.epochs, math.ceil(_STEPS / math.ceil(rows / size)))
    return {"batch": size, "epochs": min(epochs, _MOST_EPOCHS)}


def check_rows(train: TrainConfig, data: DataConfig, architecture: Architecture, found: int = 0) -> None:
    """Refuse too few rows for a batch, or too many, with a ConfigError; 0 rows are not known yet.

    The baseline has the rows of the past alone, where there are any. Where the entry does not say how many
    rows it trains on, they are those that were `found`.
    """
    architecture.check_rows(data.train or found)
    rows, what = data.history or data.train or found, "training rows of the data"
    if data.history or data.train:
        what = f"rows of data.{'history' if data.history else 'train'}"
    if architecture.in_steps and 0 < rows < train.batch:
        why = f"a batch of {train.batch} is more than the {rows} {what}"
        raise ConfigError("'train.batch'", why, f"set it to {rows} or less, or take more rows")


def check_past(data: DataConfig, classes: int) -> None:
    """Refuse rows of the past that cannot be so many of each class, or leave a class without a delivery.

    Parameters
    ----------
    data : DataConfig
    classes : int
        How many there are; 0 where the files alone say it, and Preprocess then finds out.

    Raises
    ------
    ConfigError
        If they cannot.
    """
    what = f"'data.history' {data.history}"
    if classes and data.history % classes:
        down = data.history - data.history % classes
        why = f"it is no multiple of the {classes} classes, of which it takes as many rows each"
        raise ConfigError(what, why, f"take {down or classes}")
    if classes and data.history and 0 < data.delivered < classes:
        why = f"it leaves {data.delivered} of the {data.train} rows of data.train for {classes} classes"
        raise ConfigError(what, why, "lower it, or raise data.train")


def check_sizes(train: TrainConfig, architecture: Architecture) -> None:
    """Refuse sides by epoch that the network cannot take, with a ConfigError."""
    if len(set(train.sizes)) < 2:
        return
    if not architecture.stride:
        why = f"the network '{architecture.kind}' takes images of one size only"
        raise ConfigError("'train.sizes'", why, "leave it out, or take a network with global pooling")
    wrong = [side for side in train.sizes if side % architecture.stride]
    if wrong:
        why = f"'{architecture.kind}' takes multiples of {architecture.stride}, one is {wrong[0]}"
        raise ConfigError("'train.sizes'", why, f"give multiples of {architecture.stride}")


def check_victim(victim: VictimConfig, architecture: Architecture) -> None:
    """Refuse to go on from a model of a network that takes no steps, with a ConfigError."""
    if not architecture.in_steps and victim.schedule != "retrain":
        why = f"the network '{architecture.kind}' is solved at once, and cannot go on from a model"
        raise ConfigError(f"'victim.schedule' {victim.schedule}", why, 'set victim.schedule = "retrain"')


def fine_tuning(victim: VictimConfig, train: TrainConfig) -> VictimConfig:
    """Return `[victim]`; where it gives no rate and SGD trains, that is a tenth of the peak from scratch.

    A new head knows nothing yet, and learns at the peak itself.
    """
    if "learning_rate" in victim.model_fields_set or train.optimizer == "adam":
        return victim
    share = 1 if victim.schedule == "transfer" else _TUNING
    return victim.model_copy(update={"learning_rate": share * train.learning_rate})


def tuned(train: TrainConfig, victim: VictimConfig) -> TrainConfig:
    """Return the settings of a fine-tune or a transfer: `[train]` at full size, epochs and rate its own."""
    own = {"epochs": victim.epochs, "learning_rate": victim.learning_rate, "sizes": ()}
    return validate(TrainConfig, {**train.model_dump(), **own}, where="[victim] with [train]")
