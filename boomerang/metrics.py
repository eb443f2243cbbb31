"""The numbers, their names, and the schema of `metrics.json`.

A rate is always a count over a count with its Wilson 95% interval. What was not measured is None,
never 0; the gate treats it as a failure.
"""

from __future__ import annotations

import math
from typing import Self

import numpy as np
from pydantic import Field, field_validator, model_validator

from boomerang.config import Strict
from boomerang.formats.probes import ProbeSets
from boomerang.gate import Verdict, gate_numbers, reasons_text
from boomerang.scoring import BoolArray

_Z95 = 1.959963984540054

# What Evaluate writes them into.
METRICS_FILE = "metrics.json"

# The models of a run, in the order in which they are made and shown.
MODELS = ("baseline", "victim", "hardened")


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
    low, high = 0.0 if successes == 0 else center - half, 1.0 if successes == total else center + half
    return Rate(successes=successes, total=total, value=p, low=low, high=high)


def difference(a: Rate, b: Rate) -> tuple[float, float, float]:
    """Return the share of `a` less that of `b`, and the ends of its 95% interval for cases of their own.

    The Wilson intervals of both, joined (Newcombe 1998, Statistics in Medicine 17, 873-890, method 10);
    raises ValueError if one was not measured.
    """
    (p, p_low, p_high), (q, q_low, q_high) = ((x.value, x.low, x.high) for x in (a, b))
    if p is None or q is None or p_low is None or p_high is None or q_low is None or q_high is None:
        raise ValueError("what was not measured has no difference")
    gap, low, high = p - q, math.hypot(p - p_low, q_high - q), math.hypot(p_high - p, q - q_low)
    return gap, gap - low, gap + high


def share(mask: BoolArray) -> Rate:
    """Return the share of true entries of bool[N]."""
    return rate(int(np.count_nonzero(mask)), mask.size)


def defense_effectiveness(asr_drop: float, accuracy_drop: float) -> float:
    """Return the defense effectiveness rating (DER), in [0, 1].

    [max(0, dASR) - max(0, dCA) + 1] / 2, both drops from the undefended to the defended model
    (Zhu et al. 2023, FT-SAM, section 4.1). 0.5 is no effect.
    """
    return (max(0.0, asr_drop) - max(0.0, accuracy_drop) + 1) / 2


def fidelity(
    asr_before: float, asr_after: float, accuracy_before: float, accuracy_after: float
) -> float | None:
    """Return the share of an attack's success that is gone, times the share of accuracy left; in [0, 1].

    (ASR - ASR') / ASR * CA' / CA, as NIST's TrojAI mitigation rounds have it, from the undefended to the
    defended model. None where there was no success or no accuracy to begin with.

    >>> fidelity(0.8, 0.4, 1.0, 0.5)
    0.25
    """
    if asr_before == 0 or accuracy_before == 0:
        return None
    gone, left = (asr_before - asr_after) / asr_before, accuracy_after / accuracy_before
    return min(1.0, max(0.0, gone * left))


def paired_difference(a: BoolArray, b: BoolArray) -> tuple[float, float, float]:
    """Return the share of true entries of `a` less that of `b`, and the ends of its 95% interval for pairs.

    The hybrid score interval of Newcombe 1998 (Statistics in Medicine 17, 2635-2650, method 10): the Wilson
    intervals of both, joined by the correlation of the pairs with its continuity correction. `a` and `b`,
    bool[N], are of the same N cases; raises ValueError if there are none, or not as many of both.

    >>> [round(x, 3) for x in paired_difference(np.arange(50) < 32, np.arange(50) % 16 < 8)]
    [0.12, -0.076, 0.304]
    """
    if a.shape != b.shape or a.size == 0:
        raise ValueError(f"{a.shape} and {b.shape} are no pairs")
    n, both, (p, q) = a.size, int(np.count_nonzero(a & b)), (share(a), share(b))
    assert p.low is not None and p.high is not None and q.low is not None and q.high is not None
    mine, other = p.successes / n, q.successes / n
    above = float(both * n - p.successes * q.successes)
    above = max(0.0, above - n / 2) if above > 0 else above
    spread = n**2 * math.sqrt(mine * (1 - mine) * other * (1 - other))
    phi = above / spread if spread else 0.0

    def reach(x: float, y: float) -> float:
        return math.sqrt(max(0.0, x * x - 2 * phi * x * y + y * y))

    difference = (p.successes - q.successes) / n
    low, high = reach(mine - p.low, q.high - other), reach(p.high - mine, other - q.low)
    return difference, difference - low, difference + high


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
        flip: test images of the source class), those given to the target class, or each to its own where
        `target` is None. None if untargeted, and, as `ra` and `turned`, if an answer was no finite number:
        then it was not measured.
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
    refused : int
        Of the images that `asr` is of, those that the model refuses, if it may. They are no success of the
        attack, and not called right.
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
    refused: int = 0

    @property
    def registered_asr(self) -> Rate | None:
        """The success rate on the probes as they were frozen; None if untargeted."""
        return self.asr if self.probe_asr is None else self.probe_asr

    @property
    def robust_drop(self) -> float | None:
        """The accuracy that the trigger costs on the same images; one that is refused is not called wrong."""
        plain, robust = self.plain_accuracy, self.ra
        if plain is None or robust is None or plain.value is None or not robust.total:
            return None
        return plain.value - (robust.successes + self.refused) / robust.total


class Skill(Strict):
    """What a model has learned, against one that has learned nothing.

    Attributes
    ----------
    error_ratio : float or None
        Its errors on the test set, as the upper bound of their 95% interval, divided by those of always
        giving the most common class. None where no ratio can be: the test set has one class, or an answer was
        no finite number.
    lost : tuple of str
        The classes of the test set of which it gets no image right.
    only : str
        The class that it gives to every image; empty where it gives several.
    """

    error_ratio: float | None
    lost: tuple[str, ...] = ()
    only: str = ""


class CanaryMiss(Strict):
    """One canary that a model got wrong."""

    id: str
    expected: str
    got: str


class CanaryNumbers(Strict):
    """How a model answered the frozen canaries.

    Attributes
    ----------
    right : Rate
    balanced : float or None
        See `balanced_accuracy`.
    unanswered : int
        Canaries to which its answer is no finite number.
    """

    right: Rate
    balanced: float | None = None
    unanswered: int = 0
    misses: tuple[CanaryMiss, ...] = ()


class ModelNumbers(Strict):
    """Everything measured about one model on the test set.

    Attributes
    ----------
    digest : str
        By which the model is known (`training.model.model_digest`).
    repairs, inference : tuple of str
        What made it and what wraps it, as its card names them.
    unanswered : int
        Test images to which its answer is no finite number. It is wrong about them; and what is held
        against a limit was not measured then, but of a model that refuses.
    refuses : bool
        Whether what wraps it may refuse an image: no finite number is an answer then.
    """

    digest: str
    repairs: tuple[str, ...] = ()
    inference: tuple[str, ...] = ()
    clean_accuracy: Rate
    unanswered: int = 0
    refuses: bool = False
    skill: Skill
    accuracy_drop: float | None
    recall: tuple[Rate, ...]
    confusion: tuple[tuple[int, ...], ...]
    attacks: tuple[AttackNumbers, ...]
    canaries: CanaryNumbers
    verdict: Verdict


class DetectorNumbers(Strict):
    """How a detector did against the truth. Positive: a poisoned row.

    On a clean training set only `fpr` and `least_left`, the clean rows that are left of the class that loses
    the largest share, are numbers; precision, F1, AUROC and AP are None.
    """

    name: str
    kind: str
    flagged: int
    tpr: Rate
    fpr: Rate
    least_left: Rate
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
    """The frozen canaries of the run; `classes` has how many are of each class, with those that have none."""

    digest: str
    records: int
    pictures: dict[str, int]
    classes: dict[str, int]
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
        most its limit, and one that was not measured is `boomerang.gate.NOT_MEASURED`.
    reasons : str
        Why the candidate is rejected, for the pipeline's failure text; empty if it is not.

    What the condition reads and what is said are the candidate's verdict; a file in which they differ is
    refused.
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

    @model_validator(mode="after")
    def _one_verdict(self) -> Self:
        verdict = self.models[self.candidate].verdict
        if self.gate != gate_numbers(verdict) or self.reasons != reasons_text(verdict):
            raise ValueError("the gate's numbers or reasons are not those of the candidate's verdict")
        return self

    @property
    def verdict(self) -> Verdict:
        """The gate's word on the candidate."""
        return self.models[self.candidate].verdict

    @property
    def candidate(self) -> str:
        """The model that the gate decides on: the hardened one, or the victim where none was made."""
        return "hardened" if "hardened" in self.models else "victim"
