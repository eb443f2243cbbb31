"""What the report says: names of models, of data and of checks, and sentences for people.

No measuring and no markup here. A sentence is made from numbers that the report holds anyway.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipelines.page.words import Tone, plural

_MODELS = {
    "baseline": ("Clean model", "trained before the attack"),
    "victim": ("Poisoned model", "trained on the attacked data"),
    "hardened": ("Hardened model", "trained on what the screen kept"),
}
_MODELS_WITHOUT_ATTACK = _MODELS | {
    "baseline": ("Reference model", "trained on the data as it came"),
    "victim": ("Second model", "trained on the same data again"),
}

DATA_WORDS = {
    "synthetic": "pictures drawn by this project; not CIFAR-10",
    "cifar10": "small photographs in ten classes",
    "mnist": "handwritten digits",
    "digits": "handwritten digits of 8 × 8 pixels that come with scikit-learn",
    "npz": "images from a file that was handed in",
    "folder": "images from a folder that was handed in",
}

CHECK_WORDS = {
    "accuracy_drop": "How much worse than the clean model it is on untouched test pictures.",
    "asr_upper": "How often the trigger could work, at the most that the measurement leaves open.",
    "robust_drop": "How many more pictures it gets wrong once the trigger is on them.",
    "turned": "The attacker's own pictures that now get the label the attacker wanted.",
    "canary_failures": "Pictures frozen beforehand that every sound model gets right.",
    "screen_fpr": "Innocent training pictures thrown away together with the poison.",
}


def model_words(model: str, *, attacked: bool) -> tuple[str, str]:
    """Return what a model is called, and what it was trained on."""
    return (_MODELS if attacked else _MODELS_WITHOUT_ATTACK)[model]


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


_APPROVAL = "A person still has to approve it before it is used."


def outcome(*, attacked: bool, baseline: bool, victim: bool, hardened: bool | None) -> Outcome:
    """Return the verdict in a sentence.

    Parameters
    ----------
    attacked : bool
        Whether a row of the training set was poisoned.
    baseline, victim, hardened : bool
        Whether the gate passes the model; `hardened` is None if there is none, and then the victim
        is the candidate.
    """
    told = _attacked(victim, hardened) if attacked else _clean(victim, hardened)
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


def deed(spec: Mapping[str, Any], rows: int, shows: Mapping[str, str]) -> str:
    """Return what one attack of the recipe did, in plain words.

    Parameters
    ----------
    spec : mapping
        The attack's settings.
    rows : int
        Rows that it poisoned.
    shows : mapping
        What the pictures of each set show.
    """
    target = f"“{spec['target']}”" if spec.get("target") else "another class, drawn by lot"
    if "pictures" in spec:
        return _mislabeled(spec, rows, target, shows)
    source = f"“{spec['source']}” " if spec.get("source") else ""
    pictures = plural(rows, f"{source}picture")
    if "flip" in spec["kind"]:
        return f"The label of {pictures} changed to {target}; the pictures themselves stayed as they were."
    mark = _mark(spec)
    if spec.get("mode") == "add":
        return f"Copies of {pictures} with {mark} on them, added with the label {target}."
    return f"{mark[0].upper()}{mark[1:]} put on {pictures}, which then got the label {target}."


def _mark(spec: Mapping[str, Any]) -> str:
    if spec.get("image"):
        return f"the mark “{spec['image']}”"
    if spec.get("patch_px"):
        return f"a square patch of {spec['patch_px']} × {spec['patch_px']} pixels"
    return {"art_single_pixel": "a single pixel", "art_pattern": "a pattern of four pixels"}.get(
        spec["kind"], f"a hidden mark ({spec['kind']})"
    )


def _mislabeled(spec: Mapping[str, Any], rows: int, target: str, shows: Mapping[str, str]) -> str:
    times, name = int(spec.get("repeat", 1)), str(spec["pictures"])
    shown = f" ({shows[name]})" if name in shows else ""
    again = f", {times} times each" if times > 1 else ""
    return f"{plural(rows // times, 'picture')} of “{name}”{shown} added with the label {target}{again}."
