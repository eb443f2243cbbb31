"""The case of a run: every input of Evaluate, checked and opened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from boomerang.contract import Job
from boomerang.formats.model import ModelCard
from boomerang.formats.screen import Screened, open_screen
from boomerang.formats.truth import Truth, load_truth
from boomerang.gate import GateConfig
from boomerang.manifest import Calls, Dataset, Images, opened, opened_below, read_manifest
from boomerang.metrics import MODELS, Retuned
from boomerang.settings import EvaluateSettings
from processing.attacks.common.trigger import Trigger, load_trigger
from processing.evaluation.canaries import Candidates
from processing.sharing.asking import Recall
from training.model import calls_of, classifier, load_model


@dataclass(frozen=True)
class Subject:
    """One model under test.

    Attributes
    ----------
    card : ModelCard
    ask : Recall
        uint8[N, H, W, C] -> float32[N, K], class probabilities.
    folder : Path
        Where it lies.
    retuned : mapping of str to Retuned
        What tuning it again brings back, by the attack; see `processing.evaluation.robustness.retuning`.
    """

    card: ModelCard
    ask: Recall
    folder: Path
    retuned: Mapping[str, Retuned] = field(default_factory=dict)

    def copy(self) -> Any:
        """Return a keras.Model of its own, to be changed."""
        return load_model(self.folder)[0]

    def calls(self, x: Images) -> Calls:
        """Return int64[N], the most likely class of uint8[N, H, W, C]; see `training.model.calls_of`."""
        return calls_of(self.ask(x))


@dataclass(frozen=True)
class Case:
    """Everything that the step was given, opened."""

    settings: EvaluateSettings
    limits: GateConfig
    subjects: Mapping[str, Subject]
    train: Dataset
    test: Dataset
    candidates: Dataset
    photos: Mapping[str, Dataset]
    triggers: tuple[Trigger, ...]
    truth: Truth
    screened: Screened
    digests: Mapping[str, str]

    @property
    def attack_names(self) -> tuple[str, ...]:
        """The attacks of the recipe, in order."""
        return tuple(trigger.name for trigger in self.triggers)

    @property
    def past(self) -> dict[str, int]:
        """How many rows of the past there are, as `history`; nothing where there are none.

        By the models' cards: the victim's names them as a parent, and the baseline learned nothing else.
        """
        cards = {name: subject.card for name, subject in self.subjects.items()}
        some = "victim" in cards and "history" in cards["victim"].parents
        return {"history": cards["baseline"].rows} if some and "baseline" in cards else {}


def open_case(job: Job, limits: GateConfig) -> Case:
    """Open every input of the step; a damaged one stops it."""
    train, heldout = opened(job.input("train")), job.input("heldout")
    test, candidates = opened(heldout / "test"), opened(heldout / "canary")
    screen = job.input("screen")
    names = [name for name in MODELS if job.has_input(name)]
    photos = opened_below(job.input("photos")) if job.has_input("photos") else {}
    return Case(
        settings=job.settings(EvaluateSettings),
        limits=limits,
        subjects={name: _subject(job.input(name)) for name in names},
        train=train,
        test=test,
        candidates=candidates,
        photos=photos,
        triggers=load_trigger(job.input("secret") / "trigger"),
        truth=load_truth(job.input("secret") / "truth"),
        screened=open_screen(screen, len(train)),
        digests={
            "train": train.manifest.digest,
            "test": test.manifest.digest,
            "candidates": candidates.manifest.digest,
            "screen": read_manifest(screen).digest,
            **{f"pictures {name}": data.manifest.digest for name, data in photos.items()},
        },
    )


def _subject(folder: Path) -> Subject:
    model, card = load_model(folder)
    return Subject(card, Recall(classifier(model)), folder)


def candidate_groups(case: Case) -> list[Candidates]:
    """Return the records set apart, and the pictures that no attack of the recipe uses."""
    used = {name for trigger in case.triggers for name in trigger.pictures}
    free = {name: data for name, data in case.photos.items() if name not in used}
    groups = [Candidates("records", np.asarray(case.candidates.x), np.asarray(case.candidates.y))]
    return groups + [Candidates(name, np.asarray(d.x), np.asarray(d.y)) for name, d in free.items()]
