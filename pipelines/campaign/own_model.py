"""The model of its own that an entry brings: where it stands in for a training, and what is checked of it."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from boomerang.errors import ConfigError
from boomerang.settings import GivenFile, ModelConfig, TrainConfig, TrainSettings
from pipelines.campaign.sections import Config, GivenConfig, Role
from processing.attacks import ATTACKS

# The architecture that is the network of the given model.
AS_GIVEN = "as_given"


def is_given(config: Config, role: Role) -> bool:
    """Whether a model is given for a role, and so none is trained for it."""
    return bool(config.given.path) and config.given.role == role


def from_baseline(config: Config) -> bool:
    """Whether the training of the victim starts from the baseline."""
    return config.victim.schedule != "retrain" and not is_given(config, "victim")


def is_victim_network(config: Config) -> bool:
    """Whether the victim is the given model, or trained further from it, whatever `[model]` says."""
    return is_given(config, "victim") or (is_given(config, "baseline") and from_baseline(config))


def as_network(config: Config) -> Config:
    """Return the config with the network of the given model, where a model is given and `[model]` is silent.

    Raises
    ------
    ConfigError
        If that network is wanted, or something is said of a model, and none is given.
    """
    do = "name a .keras or .h5 file: given.path, or --model FILE"
    if not config.given.path:
        if config.given != GivenConfig():
            raise ConfigError("'given'", "it names no model", do)
        if config.model.architecture == AS_GIVEN:
            raise ConfigError(f"'model.architecture' {AS_GIVEN}", "no model is given", do)
        return config
    if "architecture" in config.model.model_fields_set:
        return config
    return config.model_copy(update={"model": config.model.model_copy(update={"architecture": AS_GIVEN})})


def check(config: Config, classes: tuple[str, ...] | None) -> None:
    """Open the given model, if there is one, and hold it against the entry; this imports TensorFlow.

    Parameters
    ----------
    config : Config
    classes : tuple of str or None
        What the classes are, where the source says it beforehand; else the training job counts them.

    Raises
    ------
    BadInput, ConfigError
        If it is none that can be taken, or an attack would train what is given.
    """
    if not config.given.path:
        return
    taking = [spec.kind for spec in config.attacks if spec.kind in ATTACKS and ATTACKS[spec.kind].takes_over]
    if taking and is_given(config, "victim"):
        why = f"the attack '{taking[0]}' trains the victim, and no victim is trained where one is given"
        raise ConfigError("'given.role' victim", why, 'set given.role = "baseline", or take another attack')
    path = Path(config.given.path)
    changed_ns = path.stat().st_mtime_ns
    _opened(path, changed_ns, _file(config), None if classes is None else len(classes))


@cache
def _opened(path: Path, changed_ns: int, said: GivenFile, classes: int | None) -> None:
    """Check a file, once while it stays as it is: a campaign has many entries."""
    with _no_chatter():
        import keras  # noqa: F401  what TensorFlow says while it is loaded is for nobody
    from training.foreign.brought import Brought

    Brought(path, said).check(classes)


@contextmanager
def _no_chatter() -> Iterator[None]:
    """Keep what goes to the standard error, of libraries in C too, from the terminal."""
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as aside:
        os.dup2(aside.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def settings(config: Config, role: Role) -> TrainSettings:
    """Return what the training for a role is told: to take the given model, or to train one from scratch.

    Nothing of `[train]` is told where nothing is trained, so that its key does not hang on it.
    """
    if is_given(config, role):
        model = ModelConfig(architecture=AS_GIVEN)
        given = _file(config)
        return TrainSettings(seed=config.seed, model=model, train=TrainConfig(), start="given", given=given)
    return training(config, as_given=is_victim_network(config) and role == "victim")


def training(config: Config, *, as_given: bool) -> TrainSettings:
    """Return what a training from scratch is told: of the network of `[model]`, or `as_given`."""
    model = ModelConfig(architecture=AS_GIVEN) if as_given else config.model
    given = _file(config) if model.architecture == AS_GIVEN else None
    return TrainSettings(seed=config.seed, model=model, train=config.train, given=given)


def _file(config: Config) -> GivenFile:
    """Return what a job is told of the file, which it finds by its name."""
    given = config.given
    return GivenFile(path=Path(given.path).name, scale=given.scale, features=given.features)
