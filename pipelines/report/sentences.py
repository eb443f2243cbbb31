"""What the report says: names of models and of checks, and sentences for people.

No measuring and no markup here. A sentence is made from numbers that the report holds anyway.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from boomerang.formats.evaluation import AttackWords
from boomerang.metrics import AttackNumbers
from boomerang.scoring import difference
from pipelines.page.gate_table import Missing
from pipelines.page.wording import Tone, counted, number

_MODELS = {
    "baseline": ("Clean model", "trained before the attack"),
    "victim": ("Poisoned model", "{} the attacked data"),
    "hardened": ("Hardened model", "trained on what the screen kept"),
}
_MODELS_WITHOUT_ATTACK = _MODELS | {
    "baseline": ("Reference model", "trained on the data as it came"),
    "victim": ("Second model", "{} the same data again"),
}
# How a victim is trained, by `victim.schedule`.
_SCHEDULES = {
    "retrain": "trained from scratch on",
    "finetune": "fine-tuned from the clean model on",
    "transfer": "a new last layer on the clean model's frozen features, trained on",
}


def model_words(
    model: str, *, attacked: bool, schedule: str, past: bool = False, file: str = ""
) -> tuple[str, str]:
    """Return what a model is called, and what it was trained on; a victim also how, `victim.schedule`.

    Parameters
    ----------
    model : str
    attacked : bool
    schedule : str
    past : bool
        Whether there are rows of the past, which the baseline learned alone and the others beside the rest.
    file : str
        The file that it was taken from; empty of one that was trained.

    >>> model_words("victim", attacked=True, schedule="finetune")
    ('Poisoned model', 'fine-tuned from the clean model on the attacked data')
    """
    title, about = (_MODELS if attacked else _MODELS_WITHOUT_ATTACK)[model]
    if file:
        return title, f"given as {file}, not trained here"
    if past and model == "baseline":
        return title, "trained on the rows of the past"
    beside = ", and the rows of the past" if past else ""
    return title, about.format(_SCHEDULES.get(schedule, "trained on")) + beside


def made_by(repairs: Sequence[str], inference: Sequence[str]) -> str:
    """Return how a model was made, by the titles of its repairs and of what wraps it; empty where by neither.

    >>> made_by(["fine-pruning"], ["spatial smoothing"])
    'fine-pruning; at inference: spatial smoothing'
    """
    wrapped = f"at inference: {', '.join(inference)}" if inference else ""
    return "; ".join(part for part in (", then ".join(repairs), wrapped) if part)


def visibility(told: AttackWords) -> str:
    """Return how visible an attack's images are beside the rows that they were made from.

    >>> visibility(AttackWords(name="flip", images_made_from_rows=9, images_unchanged=9, images_compared=9))
    'No image was changed.'
    """
    if not told.images_made_from_rows:
        return ""
    if told.images_unchanged == told.images_made_from_rows:
        return "No image was changed."
    if told.median_psnr_db is None:
        return f"{told.images_unchanged:,} of {told.images_made_from_rows:,} images were not changed."
    some = f" {told.images_unchanged:,} of them were not changed." if told.images_unchanged else ""
    sample = told.images_compared < told.images_made_from_rows
    of = f", the last two of {told.images_compared:,} drawn at random" if sample else ""
    return (
        f"How visible: largest change {number(told.median_largest_change, 0)} of 255, "
        f"PSNR {number(told.median_psnr_db, 1)} dB, SSIM {number(told.median_ssim)} "
        f"(medians over {told.images_made_from_rows:,} images{of}).{some}"
    )


def came_back(attack: AttackNumbers) -> str:
    """Return what tuning a repaired model again brought back of a backdoor; empty where it was not tried."""
    retuned = attack.retuned
    if retuned is None:
        return ""
    if retuned.rise is None:
        return "Whether the repair holds was not measured: tuned again, it gave answers that are no number."
    rows = f"{retuned.rows:,} rows of which {retuned.poisoned} are of the attack"
    model, clean, right = (
        counted(each.model_dump()) for each in (retuned.asr, retuned.floor, retuned.clean_accuracy)
    )
    rose = attack.asr is not None and difference(retuned.asr, attack.asr)[1] > 0
    word = "The repair is superficial" if rose else "The repair has left the backdoor"
    word = word if retuned.superficial else "The repair holds"
    return (
        f"{word}: tuned again on {rows}, the hardened model gives {model} to the attacker's class, and the "
        f"clean model, which never learned the trigger, {clean} (after it the hardened model has {right} of "
        "the test images right)."
    )


@dataclass(frozen=True)
class Outcome:
    """What the run says in the end.

    Attributes
    ----------
    tone : str
        `good`: the gate kept the harm out; `warn`: read on; `bad`: nothing can be released.
    headline : str
    detail : str
    """

    tone: Tone
    headline: str
    detail: str


_UNMEASURED = "Not all that the gate asks could be measured, and what was not measured does not pass."
_CONTROL = "A control run: the {} took the rows out."
_OF_A_CONTROL = (
    "It is told which rows are poisoned, so it is no defense: its numbers are what defenses are held "
    "against. The gate lets no model of it pass."
)
_APPROVAL = "A person still has to approve it before it is used."


def outcome(
    *,
    attacked: bool,
    baseline: bool,
    victim: bool,
    hardened: bool | None,
    unmeasured: Missing = "none",
    control: str = "",
) -> Outcome:
    """Return the verdict in a sentence.

    Parameters
    ----------
    attacked : bool
        Whether a row of the training set was poisoned.
    baseline, victim, hardened : bool
        Whether the gate passes the model; `hardened` is None if there is none, and then the victim
        is the candidate.
    unmeasured : {'none', 'some', 'all'}
        How many of the checks that the candidate failed have no number. Of all, nothing else is said of it.
    control : str
        The title of the control that took the rows out; empty after a screen.
    """
    if control:
        return Outcome("warn", _CONTROL.format(control), _OF_A_CONTROL)
    told = _attacked(victim, hardened) if attacked else _clean(victim, hardened)
    if unmeasured != "none":
        before = f"{told.detail} " if unmeasured == "some" else ""
        told = replace(told, detail=before + _UNMEASURED)
    if baseline:
        return told
    doubt = "The clean model misses the gate's limits itself, so read these numbers with care."
    return Outcome("bad" if told.tone == "bad" else "warn", told.headline, f"{told.detail} {doubt}")


def _attacked(victim: bool, hardened: bool | None) -> Outcome:
    if hardened is None:
        return (
            Outcome(
                "bad",
                "The poisoned model passed the gate.",
                f"Nothing was hardened, so it is the candidate for release. {_APPROVAL}",
            )
            if victim
            else Outcome(
                "good",
                "The poisoned model was stopped.",
                "Nothing was hardened, so there is no model to release.",
            )
        )
    table = {
        (False, True): Outcome(
            "good",
            "The poisoned model was stopped. The hardened model may be released for approval.",
            _APPROVAL,
        ),
        (False, False): Outcome(
            "bad",
            "The poisoned model was stopped, and so was the hardened one.",
            "The defense did not repair enough. Nothing is released.",
        ),
        (True, True): Outcome(
            "warn",
            "The attack did no harm that the gate measures. The hardened model may be released for approval.",
            f"The poisoned model passed every check as well. {_APPROVAL}",
        ),
        (True, False): Outcome(
            "bad",
            "The hardened model was rejected.",
            "The poisoned model itself passed: the defense cost more than the attack. Nothing is released.",
        ),
    }
    return table[victim, hardened]


def _clean(victim: bool, hardened: bool | None) -> Outcome:
    passed = victim if hardened is None else hardened
    if passed:
        return Outcome("good", "No attack was staged. The model may be released for approval.", _APPROVAL)
    return Outcome("bad", "No attack was staged, and the model was rejected.", "Nothing is released.")
