"""One typed configuration, read from TOML.

A section of the file is a model here. Attacks and detectors are lists whose entries name their
`kind`; what else an entry may say is owned by the attack or detector itself (`processing.attacks`,
`processing.defenses.screening`), which checks it by the same rules.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from boomerang.errors import ConfigError, nearest
from boomerang.safeio import load_toml

Model = TypeVar("Model", bound=BaseModel)


class Strict(BaseModel):
    """A frozen model that refuses unknown keys; the base of everything that is configured."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Spec(BaseModel):
    """An attack or detector as configured: its kind, and settings that its own class checks."""

    model_config = ConfigDict(frozen=True, extra="allow")

    kind: str


class DataConfig(Strict):
    """Where the images come from and how they are split.

    Attributes
    ----------
    source : str
        `synthetic` is the bundled default, drawn by this project.
    path : str
        For `npz` and `folder`, and for `cifar10` or `mnist` from a file of Keras' layout.
    train, test, validation : int
        Rows of each split, class-balanced; 0 takes all there are. Validation rows are taken from
        the training split and are the defender's trusted clean set: no attack touches them.
    """

    source: Literal["synthetic", "cifar10", "mnist", "digits", "npz", "folder"] = "synthetic"
    path: str = ""
    train: int = Field(default=0, ge=0)
    test: int = Field(default=0, ge=0)
    validation: int = Field(default=1000, ge=10)

    @model_validator(mode="after")
    def _needs_path(self) -> DataConfig:
        if self.source in ("npz", "folder") and not self.path:
            raise ValueError(f"source '{self.source}' needs a path")
        return self


class PicturesConfig(Strict):
    """A folder of pictures and what they show.

    A set that an attack names becomes poison; any other becomes canary candidates.
    """

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")
    path: str
    label: str


class CanaryConfig(Strict):
    """Records set apart from every split, to be frozen as canaries once a clean model knows them.

    Attributes
    ----------
    candidates_per_class : int
        Records of each class that Preprocess sets apart.
    per_class : int
        At most so many are frozen of each class, and of each picture set, the surest first.
    margin : float
        Least difference between the true class' probability and the next, in the worst of the
        record's views (as it is, and shifted by a pixel each way), for it to count as unambiguous.
    """

    candidates_per_class: int = Field(default=20, ge=1)
    per_class: int = Field(default=5, ge=1)
    margin: float = Field(default=0.5, ge=0, lt=1)


class ModelConfig(Strict):
    """`small` trains in seconds; `book` is the CNN of the book's chapter 4 (552,874 parameters)."""

    architecture: Literal["small", "book"] = "small"


class TrainConfig(Strict):
    """How a model is trained from scratch (baseline, victim on `retrain`, hardened model)."""

    epochs: int = Field(default=5, ge=1)
    batch: int = Field(default=128, ge=1)
    learning_rate: float = Field(default=3e-3, gt=0)
    augment: bool = False


class VictimConfig(Strict):
    """How the victim meets the poison: trained from scratch on it (as `[train]` says), or fine-tuned.

    The fine-tune starts from the baseline and takes `epochs` and `learning_rate` from here.
    """

    schedule: Literal["retrain", "finetune"] = "finetune"
    epochs: int = Field(default=3, ge=1)
    learning_rate: float = Field(default=3e-3, gt=0)


class ScreenConfig(Strict):
    """The detectors; a row that any of them flags is not kept."""

    detectors: tuple[Spec, ...] = (
        Spec(kind="data_validation"),
        Spec(kind="activation_clustering"),
        Spec(kind="spectral_signatures"),
    )


class HardenConfig(Strict):
    """What is done after screening: `retrain` on the kept rows, or `none` (the victim is the candidate)."""

    method: Literal["retrain", "none"] = "retrain"


class GateConfig(Strict):
    """The limits of the gate; each is a parameter of the pipeline.

    Attributes
    ----------
    max_accuracy_drop : float
        Of clean accuracy against the baseline, as a fraction.
    max_asr_upper : float
        For the upper 95% bound of the attack success rate of each trigger.
    max_robust_drop : float
        Accuracy lost on the same images when the trigger is on them.
    max_turned : float
        Share of an attack's pictures that the baseline does not give to the target class and the
        candidate does. (A share, not a bound: the upper bound for 0 of 26 is already 13%.)
    max_canary_failures : int
    max_screen_fpr : float
        Share of clean rows that the screen took out.
    """

    max_accuracy_drop: float = Field(default=0.02, ge=0, le=1)
    max_asr_upper: float = Field(default=0.10, ge=0, le=1)
    max_robust_drop: float = Field(default=0.10, ge=0, le=1)
    max_turned: float = Field(default=0.10, ge=0, le=1)
    max_canary_failures: int = Field(default=0, ge=0)
    max_screen_fpr: float = Field(default=0.02, ge=0, le=1)


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


# What lies beside the campaigns' folders in the data bucket; roles may write there what no run may hold.
OWN_PREFIXES = frozenset({"canary", "checkpoints", "code", "definitions", "inputs"})


class Config(Strict):
    """Everything about one campaign entry; see the classes of the sections."""

    name: str = Field(default="boomerang", pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")
    seed: int = Field(default=0, ge=0)
    data: DataConfig = DataConfig()
    pictures: tuple[PicturesConfig, ...] = ()
    canaries: CanaryConfig = CanaryConfig()
    model: ModelConfig = ModelConfig()
    train: TrainConfig = TrainConfig()
    victim: VictimConfig = VictimConfig()
    attacks: tuple[Spec, ...] = ()
    screen: ScreenConfig = ScreenConfig()
    harden: HardenConfig = HardenConfig()
    gate: GateConfig = GateConfig()
    jobs: JobsConfig = JobsConfig()

    @model_validator(mode="after")
    def _free_name(self) -> Config:
        if self.name in OWN_PREFIXES:
            raise ValueError(f"the range keeps things of its own below {self.name}/ in the bucket")
        return self

    @model_validator(mode="after")
    def _distinct_pictures(self) -> Config:
        names = [p.name for p in self.pictures]
        if len(set(names)) != len(names):
            raise ValueError("two picture sets have the same name")
        return self


class PreprocessSettings(Strict):
    """The part of a config that Preprocess reads. It names no attack, so that attacks share it."""

    seed: int
    data: DataConfig
    pictures: tuple[PicturesConfig, ...]
    canaries: CanaryConfig


class PoisonSettings(Strict):
    """The part of a config that Poison reads."""

    seed: int
    attacks: tuple[Spec, ...]


class TrainSettings(Strict):
    """The part of a config that a training job reads.

    With a public key (base64 of its DER), the job verifies the signature of each input before it reads it.
    """

    seed: int
    model: ModelConfig
    train: TrainConfig
    start: Literal["scratch", "baseline"] = "scratch"
    public_key: str = ""


class ScreenSettings(Strict):
    """The part of a config that Screen reads."""

    seed: int
    detectors: tuple[Spec, ...]


class EvaluateSettings(Strict):
    """The part of a config that Evaluate reads. The gate's limits come as arguments of the job."""

    seed: int
    canaries: CanaryConfig


def validate(kind: type[Model], data: Any, *, where: str) -> Model:
    """Check plain data against a model.

    Raises
    ------
    ConfigError
        Naming the key; for an unknown key also the nearest known one.
    """
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        location = [str(part) for part in first["loc"]]
        key = ".".join(location) or where
        if first["type"] == "extra_forbidden":
            do = nearest(location[-1], _known_keys(kind, location[:-1]))
            raise ConfigError(f"unknown key '{key}' in {where}", do) from None
        why = first["msg"].removeprefix("Value error, ")
        got = (
            ""
            if isinstance(first["input"], Mapping | Sequence | BaseModel)
            and not isinstance(first["input"], str)
            else f" (got {first['input']!r})"
        )
        raise ConfigError(
            f"{where}: '{key}'", f"{why}{got}", "see docs/config.md for what it may be"
        ) from None


def _known_keys(kind: type[BaseModel], location: Sequence[str]) -> list[str]:
    """Return the keys of the model that a location of pydantic's points into."""
    for part in location:
        if part.isdigit():
            continue
        annotation = kind.model_fields[part].annotation
        candidates = [annotation, *get_args(annotation)]
        kind = next(c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel))
    return list(kind.model_fields)


def as_hyperparameters(settings: BaseModel) -> dict[str, str]:
    """Return settings as SageMaker's hyperparameters: flat, every value a text.

    A key inside a section is `section.key`; a text stands as it is unless it reads as JSON, anything
    else is JSON.
    `from_hyperparameters(type(settings), as_hyperparameters(settings)) == settings`.
    """
    return dict(_flat("", settings.model_dump(mode="json")))


def _flat(prefix: str, section: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for key, value in section.items():
        if isinstance(value, dict) and value:
            yield from _flat(f"{prefix}{key}.", value)
        else:
            plain = isinstance(value, str) and _json_value(value) == value
            yield f"{prefix}{key}", value if plain else json.dumps(value)


def from_hyperparameters(kind: type[Model], texts: Any) -> Model:
    """Return the settings that hyperparameters say.

    Raises
    ------
    ConfigError
        If a value is no text, a key is unknown, or a setting is wrong.
    """
    where = "hyperparameters.json"
    data: dict[str, Any] = {}
    for key, text in texts.items() if isinstance(texts, dict) else ():
        if not isinstance(text, str):
            why = f"it is {text!r}, and SageMaker passes texts"
            raise ConfigError(f"{where}: '{key}'", why, f'write "{text}"')
        *sections, last = key.split(".")
        node = data
        for section in sections:
            node = node.setdefault(section, {})
            if not isinstance(node, dict):
                raise ConfigError(f"{where}: '{key}'", f"'{section}' is a value too", "give one of them")
        node[last] = _json_value(text)
    return validate(kind, data, where=where)


def _json_value(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def load_config(path: Path, overrides: Sequence[str] = ()) -> Config:
    """Read a TOML file, apply `key=value` overrides, and check the whole.

    Parameters
    ----------
    path : Path
    overrides : sequence of str
        `section.key=value`, the value written as in TOML (a bare word is taken as a string);
        `attacks.0.rate=0.02` reaches into a list.

    Raises
    ------
    ConfigError
        If a key is unknown, a value is wrong, or an override cannot be applied.
    """
    data = load_toml(path)
    for override in overrides:
        _apply(data, override)
    return validate(Config, data, where=path.name)


def _apply(data: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    if not equals or not key:
        raise ConfigError(f"--set {override}", "it is not key=value", "for example --set seed=1")
    *parents, last = key.strip().split(".")
    node: Any = data
    for part in parents:
        node = node.setdefault(part, {}) if isinstance(node, dict) else _item(node, part, override)
    if isinstance(node, dict):
        node[last] = _toml_value(text)
    else:
        _item(node, last, override)
        node[int(last)] = _toml_value(text)


def _item(node: Any, part: str, override: str) -> Any:
    if isinstance(node, list) and part.isdigit() and int(part) < len(node):
        return node[int(part)]
    length = len(node) if isinstance(node, list) else 0
    raise ConfigError(
        f"--set {override}", f"'{part}' does not exist", f"the list has {length} entries, from 0"
    )


def _toml_value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text.strip()
