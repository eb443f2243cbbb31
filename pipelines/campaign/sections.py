"""One campaign entry as it is written: a TOML file, each section of it a model.

Attacks, detectors and what else has a `kind` are lists whose entries are owned by the class of their kind.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator

from boomerang.config import Spec, Strict, validate
from boomerang.errors import ConfigError
from boomerang.gate import GateConfig
from boomerang.safeio import load_toml
from boomerang.settings import (
    CanaryConfig,
    CertifyConfig,
    DataConfig,
    GivenFile,
    ModelConfig,
    PicturesConfig,
    RetuningConfig,
    TrainConfig,
)

# What a given model stands for.
Role = Literal["baseline", "victim"]


class VictimConfig(Strict):
    """How the victim meets the poison: trained from scratch as `[train]` says, fine-tuned, or by transfer.

    The fine-tune starts from the baseline and takes `epochs` and `learning_rate` from here; its images are
    of the data's own size throughout, and the rest is as in `[train]`. Where SGD trains and no
    `learning_rate` is given here, it is a tenth of that of `[train]`. The transfer keeps the features of the
    baseline as they are and learns a new last layer on them, in `epochs` from here; without a
    `learning_rate` here SGD takes that of `[train]`.
    """

    schedule: Literal["retrain", "finetune", "transfer"] = "finetune"
    epochs: int = Field(default=3, ge=1, le=10_000)
    learning_rate: float = Field(default=3e-3, gt=0, le=1000)


class GivenConfig(GivenFile):
    """A model of your own that a run starts from. `run --model FILE` and `--model-as ROLE` say the same.

    Its network becomes that of the models that are trained from scratch, its weights drawn anew, unless
    `model.architecture` names another.

    Attributes
    ----------
    role : str
        `baseline`: the approved model, from which the victim is trained on (`victim.schedule`), and the
        surrogate of attacks that need one. `victim`: what is screened with, repaired and measured; no
        training of the victim takes place.
    """

    role: Role = "baseline"


class ScreenConfig(Strict):
    """The detectors; a row that any of them flags is not kept.

    Attributes
    ----------
    control : str
        In the place of detectors a filter that is told the truth, to tell a defense from luck. It takes out
        the poisoned rows (`perfect`), or as many rows drawn from all (`random`). No model of it passes the
        gate, and a deployed range has no role for it.
    """

    detectors: tuple[Spec, ...] = (
        Spec(kind="data_validation"),
        Spec.model_validate({"kind": "repeated_pictures", "max_fpr": 0.0025}),
        Spec(kind="activation_clustering"),
        Spec(kind="scan"),
        Spec.model_validate({"kind": "confident_learning", "max_fpr": 0.0025}),
    )
    control: Literal["none", "random", "perfect"] = "none"

    @model_validator(mode="after")
    def _control_or_detectors(self) -> ScreenConfig:
        if self.control != "none" and self.detectors and "detectors" in self.model_fields_set:
            raise ValueError(
                f"the control '{self.control}' stands in the place of detectors: give one of both"
            )
        return self


class JobsConfig(Strict):
    """Machines and limits of the jobs; outside AWS only counts and the time limit matter.

    Attributes
    ----------
    processing_instance, training_instance : str
        Instance types; a GPU type trains in mixed precision, on all of its GPUs.
    processing_count : int
        Machines that share the rows of Preprocess, Screen and Evaluate; the results are the same bytes.
    training_count : int
        Machines that train one model together (`train.batch` is what all of them take at a time).
    spot : bool
        Train on managed spot machines, which cost less and may be taken back: the job goes on from
        its checkpoint.
    spot_wait_s : int
        How long to wait for spot machines, beyond the time limit.
    warm_s : int
        How long a training machine is kept for the next training job, 0 for not at all; not on spot.
    volume_gb : int
        Disk of each machine.
    timeout_s : int
        Time limit of each job.
    """

    processing_instance: str = "ml.m5.xlarge"
    processing_count: int = Field(default=1, ge=1, le=100)
    training_instance: str = "ml.g4dn.xlarge"
    training_count: int = Field(default=1, ge=1, le=100)
    spot: bool = True
    spot_wait_s: int = Field(default=3600, ge=0)
    warm_s: int = Field(default=0, ge=0, le=3600)
    volume_gb: int = Field(default=30, ge=1)
    timeout_s: int = Field(default=3600, ge=10, le=432_000)

    @model_validator(mode="after")
    def _warm_is_not_spot(self) -> JobsConfig:
        if self.warm_s and self.spot:
            raise ValueError("SageMaker keeps no spot machine warm: set spot = false, or warm_s = 0")
        return self


_MOST_DIGITS = 9

# What lies beside the campaigns' folders in the data bucket; roles may write there what no run may hold.
OWN_PREFIXES = frozenset({"canary", "checkpoints", "code", "definitions", "inputs"})


class Config(Strict):
    """Everything about one campaign entry; see the classes of the sections."""

    name: str = Field(default="boomerang", pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")
    seed: int = Field(default=0, ge=0, lt=2**32)  # as many as the generators of the libraries take
    data: DataConfig = DataConfig()
    pictures: tuple[PicturesConfig, ...] = ()
    canaries: CanaryConfig = CanaryConfig()
    certify: CertifyConfig = CertifyConfig()
    given: GivenConfig = GivenConfig()
    model: ModelConfig = ModelConfig()
    train: TrainConfig = TrainConfig()
    victim: VictimConfig = VictimConfig()
    attacks: tuple[Spec, ...] = ()
    screen: ScreenConfig = ScreenConfig()
    harden: tuple[Spec, ...] = (Spec(kind="retrain"),)
    inference: tuple[Spec, ...] = ()
    retuning: RetuningConfig = RetuningConfig()
    gate: GateConfig = GateConfig()
    jobs: JobsConfig = JobsConfig()

    @model_validator(mode="after")
    def _free_name(self) -> Config:
        if self.name in OWN_PREFIXES:
            raise ValueError(f"the range keeps things of its own below {self.name}/ in the bucket")
        return self

    @model_validator(mode="after")
    def _control_for_somebody(self) -> Config:
        if self.screen.control != "none" and not self.harden:
            raise ValueError("no model is trained on what the control keeps: give [[harden]] a repair")
        return self

    @model_validator(mode="after")
    def _what_is_tuned_again_is_bare(self) -> Config:
        if self.retuning.when == "always" and self.inference:
            raise ValueError(
                "retuning.when = 'always' tunes the hardened model, and none that something wraps is tuned: "
                "leave [[inference]] out, or set it to 'repaired'"
            )
        return self

    @model_validator(mode="after")
    def _distinct_pictures(self) -> Config:
        names = [p.name for p in self.pictures]
        if len(set(names)) != len(names):
            raise ValueError("two picture sets have the same name")
        return self


def load_config(
    path: Path, overrides: Sequence[str] = (), tables: Sequence[Mapping[str, Any]] = ()
) -> Config:
    """Read a TOML file, lay tables over it, apply `key=value` overrides, and check the whole.

    Parameters
    ----------
    path : Path
    overrides : sequence of str
        `section.key=value`, the value written as in TOML (a bare word is taken as a string);
        `attacks.0.rate=0.02` reaches into a list.
    tables : sequence of mapping
        Laid over it one after the other, see `merged`.

    Raises
    ------
    ConfigError
        If a key is unknown, a value is wrong, or an override cannot be applied.
    """
    data = load_toml(path)
    for table in tables:
        data = merged(data, table)
    for override in overrides:
        _apply(data, override)
    return validate(Config, data, where=path.name)


def merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Return a table with another laid over it: sections key by key, lists and values as a whole.

    >>> merged({"data": {"train": 8000, "seed": 1}}, {"data": {"train": 100}})
    {'data': {'train': 100, 'seed': 1}}
    """
    result = dict(below)
    for key, value in above.items():
        old = result.get(key)
        both = isinstance(old, Mapping) and isinstance(value, Mapping)
        result[key] = merged(old, value) if both else value  # type: ignore[arg-type]  # `both` says it
    return result


def _apply(data: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    if not equals or not key:
        raise ConfigError(f"--set {override}", "it is not key=value", "for example --set seed=1")
    *parents, last = key.strip().split(".")
    node: Any = data
    for part in parents:
        node = node.setdefault(part, {}) if isinstance(node, dict) else node[_index(node, part, key)]
    if isinstance(node, dict):
        node[last] = _toml_value(key, text)
    else:
        node[_index(node, last, key)] = _toml_value(key, text)


def _index(node: Any, part: str, key: str) -> int:
    """Return which entry of a list a part of a key means."""
    length = len(node) if isinstance(node, list) else 0
    # Not `isdigit`: a superscript is one, and no number. More digits than these no list can have.
    if part.isdecimal() and len(part) <= _MOST_DIGITS and int(part) < length:
        return int(part)
    why = f"'{part}' does not exist" if isinstance(node, list) else f"what '{part}' is asked of is no section"
    raise ConfigError(f"--set {key}", why, f"the list has {length} entries, from 0" if length else "")


def _toml_value(key: str, text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text.strip()
    except (ValueError, RecursionError) as error:  # thousands of digits, or of brackets
        why = "it cannot be read as a value"
        raise ConfigError(f"--set {key}", f"{why} ({type(error).__name__})", "shorten it") from None
