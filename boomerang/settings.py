"""What each step is told, and the sections of a campaign entry that it comes from.

A step's settings hold what the step acts on and nothing else. Of what no step reads, such as machines,
nothing stands here: a change there must not change the key of a step (`pipelines.campaign.sections` has it).
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from boomerang.config import Open, Spec, Strict


class DataConfig(Open):
    """Where the images come from and how they are split.

    Attributes
    ----------
    source : str
        The kind of source, whose own class owns what else the section may say.
    path : str
        A file or folder. Its content tells what reads it, whatever `source` says, but for a published set.
    name : str
        What the data is called; else as its file or folder is.
    classes : tuple of str
        These classes alone, in this order; none is all.
    train, test, validation : int
        Rows of each split, class-balanced; 0 takes all there are. Validation rows are the defender's trusted
        clean set, which no attack touches: of the files' own validation split, else of the training split.
    suppliers : int
        The training rows are dealt by lot to so many, `supplier-1` and on, each as many; 0 is to none. An
        attack may be one supplier's, and a screen may go by who delivered a row.
    history : int
        So many rows of `train`, class-balanced, are of the past: the attacker does not reach them, and the
        baseline learns from them alone. The others are the delivery: attacks and their rates are on it, and
        screens look at it; victim and hardened model learn from both.
    """

    source: str = "synthetic"
    path: str = ""
    name: str = Field(default="", exclude_if=lambda name: not name)
    classes: tuple[str, ...] = ()
    train: int = Field(default=0, ge=0)
    test: int = Field(default=0, ge=0)
    validation: int = Field(default=1000, ge=10)
    # Left out where they are 0: what steps are told, and so their keys, does not hang on them then.
    suppliers: int = Field(default=0, ge=0, le=1000, exclude_if=lambda count: not count)
    history: int = Field(default=0, ge=0, exclude_if=lambda rows: not rows)

    @model_validator(mode="after")
    def _classes_differ(self) -> DataConfig:
        if self.classes and (len(self.classes) < 2 or len(set(self.classes)) < len(self.classes)):
            raise ValueError("classes names two or more, each once, or none for all of them")
        return self

    @model_validator(mode="after")
    def _something_is_delivered(self) -> DataConfig:
        if 0 < self.train <= self.history:
            left = f"history = {self.history} leaves none of the {self.train} rows of train to be delivered"
            raise ValueError(f"{left}: lower it, or raise train")
        return self

    @property
    def delivered(self) -> int:
        """Rows of the training split that are not of the past; 0 where the files alone tell how many."""
        return self.train - self.history if self.train else 0

    @property
    def supplier_names(self) -> tuple[str, ...]:
        """What the suppliers are called."""
        return tuple(f"supplier-{number}" for number in range(1, self.suppliers + 1))

    @property
    def spec(self) -> Spec:
        """The source as an entry: its kind, and what is its own to say."""
        return Spec(kind=self.source, **(self.model_extra or {}))


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


class CertifyConfig(Strict):
    """How far the answers to the canaries are certified: from how many changed rows they are safe.

    Attributes
    ----------
    rows : int
        There are as many partitions as the rows that the baseline has learned give, so many to each; 0
        certifies nothing. The more partitions, the more rows the answers are safe from, and the fewer of them
        are right.
    """

    rows: int = Field(default=200, ge=0)


class RetuningConfig(Strict):
    """Whether the hardened model is tuned on a few poisoned rows, and how; what was repaired may return.

    It is done for the evaluation alone, by somebody who knows the truth, and to the baseline as well, whose
    success rate is the floor (Min et al. 2024, arXiv 2410.09838).

    Attributes
    ----------
    when : str
        `repaired` where the hardened model is made of the victim, `always` also where it is trained anew,
        or `never`. No model that a defense at inference wraps is tuned.
    rows : int
        Rows of the training set that it is tuned on.
    poisoned : int
        How many of them are of the attack.
    epochs, batch : int
    learning_rate : float
        Of SGD with momentum 0.9.
    """

    when: Literal["repaired", "always", "never"] = "repaired"
    rows: int = Field(default=1000, ge=1)
    poisoned: int = Field(default=5, ge=1)
    epochs: int = Field(default=5, ge=1, le=10_000)
    batch: int = Field(default=128, ge=1)
    learning_rate: float = Field(default=0.01, gt=0, le=1000)

    @model_validator(mode="after")
    def _some_are_clean(self) -> RetuningConfig:
        if self.poisoned >= self.rows:
            raise ValueError(f"poisoned = {self.poisoned} leaves no clean row of rows = {self.rows}")
        return self


class ModelConfig(Open):
    """Which network is trained.

    Attributes
    ----------
    architecture : str
        The kind of architecture. What else the section may say is owned by its own class.
    """

    architecture: str = "small"

    @property
    def spec(self) -> Spec:
        """The architecture as an entry: its kind, and what is its own to say."""
        return Spec(kind=self.architecture, **(self.model_extra or {}))


class GivenFile(Strict):
    """A model file that somebody brought, and what it does not say of itself.

    Attributes
    ----------
    path : str
        A `.keras` file, or a whole model in an `.h5` file of Keras 2 or 3. Nothing in it is run.
    scale : str
        What a black and a white pixel are to it. `auto`: as its own layers say; else that with which it is
        right about clearly more of the validation rows than with any other.
    features : str
        The layer that the screens look at; without it, what the last layer is given, if that is a dense one.
    """

    path: str = ""
    scale: Literal["auto", "0..1", "0..255", "-1..1"] = "auto"
    features: str = ""


class TrainConfig(Strict):
    """How a model is trained from scratch (baseline, victim on `retrain`, hardened model).

    Where an entry says nothing, what the architecture recommends stands, else what few rows need
    (docs/training.md), else the default below.

    Attributes
    ----------
    epochs : int
    batch : int
        Rows of a step, over all devices.
    optimizer : str
        `adam`, or `sgd` with Nesterov's momentum.
    learning_rate : float
        The peak.
    momentum : float
        Of `sgd`; Adam has its own.
    weight_decay : float
        Decoupled, of kernels alone: each step takes the rate times this off them.
    schedule : str
        What follows the rise to the peak: half a `cosine` to zero, a line to zero (`linear`), or the peak.
    warmup : float
        Share of the steps that the rate takes to rise, from a tenth of the peak.
    label_smoothing : float
        Share of a row's certainty that is spread over all classes.
    shift : int
        Each batch is shifted by up to so many pixels, its edge mirrored.
    mirror : str
        `random`: half of the rows of a batch. `alternating`: every row in every second epoch, which half
        begins by a hash of seed and row.
    sizes : tuple of int
        Side of the images in pixels by epoch, one value an epoch; the last is the data's own. Without it all
        epochs have the data's own.
    mirror_at_test : bool
        The saved model answers for an image and its mirror: its features are the mean of both.
    precision : str
        `mixed` computes in 16-bit floats where the device has them, variables and last layers in float32;
        `auto` where it gains.
    xla : str
        Whether gradients are compiled by XLA; `auto` is on a GPU alone.
    """

    epochs: int = Field(default=5, ge=1, le=10_000)
    batch: int = Field(default=128, ge=1, le=2**20)
    optimizer: Literal["adam", "sgd"] = "adam"
    learning_rate: float = Field(default=3e-3, gt=0, le=1000)
    momentum: float = Field(default=0.9, ge=0, lt=1)
    weight_decay: float = Field(default=0.0, ge=0, lt=1)
    schedule: Literal["cosine", "linear", "constant"] = "cosine"
    warmup: float = Field(default=0.15, ge=0, le=1)
    label_smoothing: float = Field(default=0.0, ge=0, lt=1)
    shift: int = Field(default=0, ge=0, le=256)
    mirror: Literal["none", "random", "alternating"] = "none"
    sizes: tuple[int, ...] = ()
    mirror_at_test: bool = False
    precision: Literal["auto", "float32", "mixed"] = "auto"
    xla: Literal["auto", "on", "off"] = "auto"

    @model_validator(mode="after")
    def _can_work(self) -> TrainConfig:
        # An entry that says only one of them may mean the architecture's other: that is settled later.
        if self.sizes and "epochs" in self.model_fields_set and len(self.sizes) != self.epochs:
            raise ValueError(
                f"sizes has {len(self.sizes)} values for {self.epochs} epochs: give one an epoch, or none"
            )
        if self.sizes and not 4 <= min(self.sizes) <= max(self.sizes) <= 1024:
            raise ValueError("sizes are sides in pixels, from 4 to 1024")
        if self.learning_rate * self.weight_decay >= 1:
            raise ValueError("learning_rate times weight_decay is 1 or more: a step would turn weights over")
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

    Attributes
    ----------
    start : str
        What the training goes on from: nothing, or the model in the input of that name (`given`: as it is).
    given : GivenFile or None
        The file in the input `given`, where the model or the network is from there.
    new_head : bool
        Whether all of that model stays as it is but for its last layer, which is learned anew.
    public_key : str
        Base64 of the DER of a key. With it, the job verifies the signature of each input before it reads it.
    """

    seed: int
    model: ModelConfig
    train: TrainConfig
    start: Literal["scratch", "baseline", "victim", "given"] = "scratch"
    given: GivenFile | None = Field(default=None, exclude_if=lambda file: file is None)
    new_head: bool = False
    public_key: str = ""


class HardenSettings(TrainSettings):
    """The part of a config that Harden reads: the repairs in their order, and what then wraps the model."""

    repairs: tuple[Spec, ...] = ()
    inference: tuple[Spec, ...] = ()


class TakeoverSettings(TrainSettings):
    """What a training is told that the attacker runs: the recipe of its attacks too."""

    attacks: tuple[Spec, ...]


class ScreenSettings(Strict):
    """The part of a config that Screen reads."""

    seed: int
    detectors: tuple[Spec, ...]


class ControlSettings(Strict):
    """What a control is told, which runs in the place of a screen; see `processing.control`."""

    seed: int
    control: Literal["random", "perfect"]


class EvaluateSettings(Strict):
    """The part of a config that Evaluate reads. The gate's limits come as arguments of the job.

    Attributes
    ----------
    kinds : tuple of str
        The kinds of everything that the run has of a kind (attacks, defenses at inference): whose code the
        numbers depend on. Evaluate opens nothing of another kind.
    retuning : RetuningConfig or None
        None where the hardened model is not to be tuned again.
    """

    seed: int
    canaries: CanaryConfig
    certify: CertifyConfig = CertifyConfig()
    retuning: RetuningConfig | None = None
    kinds: tuple[str, ...] = ()
