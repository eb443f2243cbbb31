"""The numbers, their names, and the schema of `metrics.json`.

A rate is always a count over a count with its Wilson 95% interval. What was not measured is None,
never 0; the gate treats it as a failure.
"""

from __future__ import annotations

from typing import Self

from pydantic import Field, field_validator, model_validator

from boomerang.config import Strict
from boomerang.formats.probes import ProbeSets
from boomerang.gate import Verdict, gate_numbers, reasons_text
from boomerang.scoring import Rate, difference

# What Evaluate writes them into.
METRICS_FILE = "metrics.json"

# The models of a run, in the order in which they are made and shown.
MODELS = ("baseline", "victim", "hardened")


class Retuned(Strict):
    """What came back of a backdoor when a model was tuned again on clean rows with a few poisoned ones.

    A repair that only hides the backdoor gives way to them, and a model that never learned it does not
    (Min et al. 2024, arXiv 2410.09838).

    Attributes
    ----------
    rows, poisoned : int
        Rows that it was tuned on, and how many of them are of the attack.
    asr : Rate
        Success rate of the attack afterwards (P-ASR), of the same images as before.
    floor : Rate
        That of the baseline, which never learned the attack, after the same. Both are of no image where a
        model had no finite answer to one.
    clean_accuracy : Rate
        Of the model afterwards.
    """

    rows: int
    poisoned: int
    asr: Rate
    floor: Rate
    clean_accuracy: Rate

    @property
    def rise(self) -> float | None:
        """The least that the success rate is above the floor, by the 95% interval; at least 0."""
        known = self.asr.total and self.floor.total
        return max(0.0, difference(self.asr, self.floor)[1]) if known else None

    @property
    def superficial(self) -> bool:
        """Whether more came back than a clean model would have learned of the same rows."""
        return bool(self.rise)


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
    retuned : Retuned or None
        Of a backdoor, what tuning the hardened model again brings back; None where that was not tried.
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
    retuned: Retuned | None = None
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


class Certificates(Strict):
    """From how many rows of the training set the answers to the canaries are safe.

    The answers are those of a vote of models, each of which learned a partition of the rows on the baseline's
    features; see `processing.evaluation.robustness.certified`.

    Attributes
    ----------
    partitions : int
        How many models vote.
    right : Rate
        Canaries that the vote has right.
    rows : mapping of str to int
        By a canary's id, for those that it has right: whatever so many rows of the training set had been, the
        vote would have said the same. A row whose pixels are changed counts twice.
    """

    partitions: int
    right: Rate
    rows: dict[str, int]


class CanarySet(Strict):
    """The frozen canaries of the run.

    Attributes
    ----------
    classes : mapping of str to int
        How many are of each class, with those that have none.
    certificates : Certificates or None
        None where none were asked for, or the rows are too few.
    safe_from : int
        Changed rows of the training set that the answers to half of the canaries are safe from; 0 where
        nothing is certified.
    """

    digest: str
    records: int
    pictures: dict[str, int]
    classes: dict[str, int]
    candidates: int
    certificates: Certificates | None = None
    safe_from: int = 0


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
