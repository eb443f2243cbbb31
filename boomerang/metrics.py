"""The numbers, their names, and the schema of `metrics.json`.

A rate is always a count over a count with its Wilson 95% interval. What was not measured is None,
never 0; the gate treats it as a failure.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import Field, field_validator

from boomerang.config import GateConfig, Strict
from boomerang.probes import ProbeSets

_Z95 = 1.959963984540054

# The models of a run, in the order in which they are made and shown.
MODELS = ("baseline", "victim", "hardened")

# What a missing number becomes where the gate's condition needs one: above every limit.
NOT_MEASURED = 1e9

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.floating[Any]]
IntArray = npt.NDArray[np.integer[Any]]


class Rate(Strict):
    """A share of counted cases with its Wilson 95% interval (Wilson 1927).

    Attributes
    ----------
    successes, total : int
    value, low, high : float or None
        Fractions; None where `total` is 0.
    """

    successes: int = Field(ge=0)
    total: int = Field(ge=0)
    value: float | None
    low: float | None
    high: float | None


def rate(successes: int, total: int) -> Rate:
    """Return the share with its Wilson 95% interval.

    >>> rate(0, 26).high < 0.13
    True
    """
    if not 0 <= successes <= total:
        raise ValueError(f"{successes} of {total} is no share")
    if total == 0:
        return Rate(successes=0, total=0, value=None, low=None, high=None)
    p, z2 = successes / total, _Z95**2
    center = (p + z2 / (2 * total)) / (1 + z2 / total)
    half = _Z95 * math.sqrt(p * (1 - p) / total + z2 / (4 * total**2)) / (1 + z2 / total)
    return Rate(
        successes=successes,
        total=total,
        value=p,
        low=0.0 if successes == 0 else center - half,
        high=1.0 if successes == total else center + half,
    )


def share(mask: BoolArray) -> Rate:
    """Return the share of true entries of bool[N]."""
    return rate(int(np.count_nonzero(mask)), mask.size)


def confusion(y: IntArray, predicted: IntArray, classes: int) -> IntArray:
    """Return int64[K, K]: row i, column j counts the rows of class i that were called j."""
    counts = np.bincount(np.asarray(y) * classes + np.asarray(predicted), minlength=classes * classes)
    return counts.reshape(classes, classes)


def defense_effectiveness(asr_drop: float, accuracy_drop: float) -> float:
    """Return the defense effectiveness rating (DER), in [0, 1].

    [max(0, dASR) - max(0, dCA) + 1] / 2, both drops from the undefended to the defended model
    (Zhu et al. 2023, FT-SAM, section 4.1). 0.5 is no effect.
    """
    return (max(0.0, asr_drop) - max(0.0, accuracy_drop) + 1) / 2


def auroc(scores: FloatArray, positive: BoolArray) -> float | None:
    """Return the area under the ROC curve (ties count half), or None without both kinds of rows."""
    from scipy.stats import rankdata

    n_positive = int(np.count_nonzero(positive))
    n_negative = positive.size - n_positive
    if n_positive == 0 or n_negative == 0:
        return None
    rank_sum = float(rankdata(scores)[positive].sum())
    return (rank_sum - n_positive * (n_positive + 1) / 2) / (n_positive * n_negative)


def average_precision(scores: FloatArray, positive: BoolArray) -> float | None:
    """Return average precision: precision summed over the steps of recall, ties taken as one step."""
    if not positive.any():
        return None
    order = np.argsort(-scores, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(scores[order]) != 0, True))
    hits = np.cumsum(positive[order])[ends]
    gained = np.diff(hits, prepend=0)
    return float(np.sum(gained * hits / (ends + 1)) / positive.sum())


class AttackNumbers(Strict):
    """What one attack of the recipe did to one model.

    Attributes
    ----------
    name : str
        The attack as the report calls it; unique in the recipe.
    kind, outcome : str
        `outcome` is `targeted`, `untargeted` or `backdoor`.
    asr : Rate or None
        Attack success rate: of the images it is measured on (backdoor: test images with the trigger,
        of the source class, or of all but the target class; mislabel: the attack's pictures; targeted
        flip: test images of the source class), those given to the target class. None if untargeted.
    ra : Rate or None
        Robust accuracy: of the same images, those given to their own class.
    plain_accuracy : Rate or None
        Accuracy on the same images without the trigger (backdoor only).
    der : float or None
        Defense effectiveness against the victim (hardened model only).
    turned : Rate or None
        Of the attack's pictures, those given to the target by this model and not by the baseline.
    probe_asr : Rate or None
        The success rate on the frozen probes alone, where these are fewer images than `asr` is of: what
        a canary measures is held against this. None where the probes are all of them.
    """

    name: str
    kind: str
    outcome: str
    target: str | None = None
    asr: Rate | None = None
    ra: Rate | None = None
    plain_accuracy: Rate | None = None
    der: float | None = None
    turned: Rate | None = None
    probe_asr: Rate | None = None

    @property
    def registered_asr(self) -> Rate | None:
        """The success rate on the probes as they were frozen; None if untargeted."""
        return self.asr if self.probe_asr is None else self.probe_asr


class CanaryMiss(Strict):
    """One canary that a model got wrong."""

    id: str
    expected: str
    got: str


class CanaryNumbers(Strict):
    """How a model answered the frozen canaries."""

    right: Rate
    misses: tuple[CanaryMiss, ...] = ()


class Check(Strict):
    """One condition of the gate: the value must be at most the limit."""

    key: str
    text: str
    value: float | None
    limit: float
    passed: bool


class Verdict(Strict):
    """The gate's word on one model; `reasons` has one sentence for each failed check."""

    passed: bool
    checks: tuple[Check, ...]
    reasons: tuple[str, ...]


class ModelNumbers(Strict):
    """Everything measured about one model on the test set."""

    digest: str
    clean_accuracy: Rate
    accuracy_drop: float | None
    recall: tuple[Rate, ...]
    confusion: tuple[tuple[int, ...], ...]
    attacks: tuple[AttackNumbers, ...]
    canaries: CanaryNumbers
    verdict: Verdict


class DetectorNumbers(Strict):
    """How a detector did against the truth. Positive: a poisoned row.

    On a clean training set only `fpr` is a number; precision, F1, AUROC and AP are None.
    """

    name: str
    kind: str
    flagged: int
    tpr: Rate
    fpr: Rate
    precision: float | None
    f1: float | None
    auroc: float | None
    ap: float | None
    by_attack: dict[str, Rate]
    auroc_by_attack: dict[str, float | None] = Field(default_factory=dict)


class DataNumbers(Strict):
    """What the run worked on."""

    name: str
    classes: tuple[str, ...]
    rows: dict[str, int]
    poisoned: dict[str, int]
    digests: dict[str, str]


class CanarySet(Strict):
    """The frozen canaries of the run."""

    digest: str
    records: int
    pictures: dict[str, int]
    candidates: int


class Metrics(Strict):
    """The whole of `metrics.json`.

    Attributes
    ----------
    models : mapping
        `baseline`, `victim` and `hardened`, in this order.
    probes : ProbeSets
        What was frozen of each attack, for the canary. Absent in older files: nothing was.
    screen : DetectorNumbers
        All detectors together: the rows that were taken out.
    gate : mapping
        The candidate's numbers by the names that the pipeline's condition reads; each must be at
        most its limit, and one that was not measured is `NOT_MEASURED`.
    reasons : str
        Why the candidate is rejected, for the pipeline's failure text; empty if it is not.
    """

    format: int = 1
    seed: int
    data: DataNumbers
    models: dict[str, ModelNumbers]
    screen: DetectorNumbers
    detectors: tuple[DetectorNumbers, ...]
    canaries: CanarySet
    probes: ProbeSets = ProbeSets()
    gate: dict[str, float]
    reasons: str

    @field_validator("models")
    @classmethod
    def _in_order(cls, models: dict[str, ModelNumbers]) -> dict[str, ModelNumbers]:
        if not {"baseline", "victim"} <= models.keys() <= set(MODELS):
            raise ValueError(f"the models are {', '.join(models)}; expected {', '.join(MODELS)}")
        return {name: models[name] for name in MODELS if name in models}

    @property
    def candidate(self) -> str:
        """The model that the gate decides on: the hardened one, or the victim where none was made."""
        return "hardened" if "hardened" in self.models else "victim"


# The gate's checks: the name of the number, its limit in the config, and how a person says it.
GATE = (
    ("accuracy_drop", "max_accuracy_drop", "clean accuracy lost against the baseline"),
    ("asr_upper", "max_asr_upper", "upper 95% bound of the attack success rate"),
    ("robust_drop", "max_robust_drop", "accuracy lost when the trigger is on the image"),
    ("turned", "max_turned", "attack pictures turned to the target class"),
    ("canary_failures", "max_canary_failures", "canaries answered wrong"),
    ("screen_fpr", "max_screen_fpr", "clean rows taken out by the screen"),
)


def property_name(key: str) -> str:
    """Return what a model package calls a number of the gate.

    >>> property_name("asr_upper")
    'AsrUpper'
    """
    return key.title().replace("_", "")


def judge(numbers: dict[str, float | None], limits: GateConfig) -> Verdict:
    """Hold the numbers of one model against the gate's limits.

    Parameters
    ----------
    numbers : mapping
        A key of `GATE` that is absent does not apply to the model; one that is None or not finite
        could not be measured and rejects.
    limits : GateConfig
    """
    checks = []
    for key, limit_key, text in GATE:
        if key not in numbers:
            continue
        limit = float(getattr(limits, limit_key))
        value = numbers[key]
        finite = value is not None and math.isfinite(value)
        passed = finite and value is not None and value <= limit
        checks.append(
            Check(key=key, text=text, value=value if finite else None, limit=limit, passed=bool(passed))
        )
    reasons = tuple(_reason(check) for check in checks if not check.passed)
    return Verdict(passed=not reasons, checks=tuple(checks), reasons=reasons)


def say_number(key: str, text: str, value: float | None) -> str:
    """Return a number of the gate as a person reads it.

    >>> say_number("asr_upper", "attack success rate", 0.5)
    'attack success rate: 50.0%'
    """
    if value is None or not math.isfinite(value) or value >= NOT_MEASURED:
        return f"{text} was not measured"
    return f"{text}: {value:.0f}" if key == "canary_failures" else f"{text}: {value:.1%}"


def _reason(check: Check) -> str:
    said = say_number(check.key, check.text, check.value)
    limit = f"{check.limit:.0f}" if check.key == "canary_failures" else f"{check.limit:.1%}"
    return said if check.value is None else f"{said}, allowed {limit}"


def gate_numbers(verdict: Verdict) -> dict[str, float]:
    """Return the numbers of a verdict as the pipeline's condition reads them: every key, all finite.

    One that was not measured is `NOT_MEASURED`, above every limit; one that does not apply to the
    recipe is 0, which every limit allows.
    """
    numbers = {key: 0.0 for key, _, _ in GATE}
    return numbers | {c.key: NOT_MEASURED if c.value is None else c.value for c in verdict.checks}
