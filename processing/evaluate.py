"""Evaluate: hold the models against the test set, the attacks, the canaries and the gate.

The only step that is given the truth. It writes `metrics.json`, which the pipeline's gate reads, and
the evidence that the report draws from.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from boomerang.config import EvaluateSettings, GateConfig
from boomerang.contract import Job, run_step
from boomerang.errors import UsageError
from boomerang.manifest import (
    Dataset,
    Images,
    Manifest,
    commit,
    committing,
    open_dataset,
    verify_folder,
    write_dataset,
)
from boomerang.metrics import (
    MODELS,
    AttackNumbers,
    CanarySet,
    DataNumbers,
    DetectorNumbers,
    Metrics,
    ModelNumbers,
    Rate,
    confusion,
    gate_numbers,
    rate,
    share,
)
from boomerang.safeio import load_json, load_npy, write_json_atomic
from processing.attacks.trigger import Trigger, load_trigger
from processing.canaries import Canaries, Candidates, freeze
from processing.evidence import ARRAYS, Group, evenly, write_gallery
from processing.judge import Trial, attack_numbers, canary_numbers, detector_numbers, verdict, with_der
from processing.poison import Truth, load_truth
from processing.trials import trials
from training.model import Ask, ModelCard, classifier, load_model

VERSIONED = (
    "tensorflow-cpu",
    "tensorflow",
    "keras",
    "numpy",
    "scikit-learn",
    "pillow",
    "adversarial-robustness-toolbox",
)

_POISONED_SHOWN, _TRIGGERED_SHOWN, _PICTURES_SHOWN = 12, 8, 60


@dataclass(frozen=True)
class Subject:
    """One model under test.

    Attributes
    ----------
    card : ModelCard
    ask : callable
        uint8[N, H, W, C] -> float32[N, K], class probabilities.
    """

    card: ModelCard
    ask: Ask

    def calls(self, x: Images) -> npt.NDArray[np.int64]:
        """Return int64[N], the most likely class of uint8[N, H, W, C]."""
        return np.asarray(self.ask(x).argmax(axis=1), np.int64)


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
    detectors: list[dict[str, Any]]
    scores: npt.NDArray[np.float64]
    flagged: npt.NDArray[np.bool_]
    keep: npt.NDArray[np.bool_]
    digests: Mapping[str, str]

    @property
    def attack_names(self) -> tuple[str, ...]:
        """The attacks of the recipe, in order."""
        return tuple(trigger.name for trigger in self.triggers)


def evaluate(job: Job, limits: GateConfig) -> None:
    """Run the step: see the module."""
    case = open_case(job, limits)
    baseline = case.subjects["baseline"]
    canaries = freeze(candidate_groups(case), case.settings.canaries, baseline.ask)
    tests = trials(case.triggers, case.test, case.photos)
    with committing(job.output("evaluation")) as out:
        frozen = write_dataset(
            out / "canaries",
            canaries.x,
            canaries.y,
            name=case.candidates.manifest.name,
            classes=case.test.classes,
            recipe={**case.settings.canaries.model_dump(mode="json"), "ids": list(canaries.ids)},
        )
        metrics = measure(case, tests, canaries, frozen.manifest.digest)
        write_evidence(out, case, tests, canaries)
        write_json_atomic(out / "metrics.json", metrics.model_dump(mode="json"))
        commit(out, Manifest(name=case.test.manifest.name, kind="evaluation", classes=case.test.classes))
    print(metrics.reasons or "the candidate passes the gate", flush=True)


def open_case(job: Job, limits: GateConfig) -> Case:
    """Open every input of the step; a damaged one stops it."""
    train, test, candidates = (_verified(job.input(n)) for n in ("train", "test", "canary"))
    screen = job.input("screen")
    screen_manifest = verify_folder(screen)
    names = [name for name in MODELS if job.has_input(name)]
    photos = _photos(job)
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
        detectors=load_json(screen / "report.json")["detectors"],
        scores=load_npy(screen / "scores.npy"),
        flagged=load_npy(screen / "flagged.npy"),
        keep=load_npy(screen / "keep.npy"),
        digests={
            "train": train.manifest.digest,
            "test": test.manifest.digest,
            "candidates": candidates.manifest.digest,
            "screen": screen_manifest.digest,
            **{f"pictures {name}": data.manifest.digest for name, data in photos.items()},
        },
    )


def _verified(folder: Path) -> Dataset:
    verify_folder(folder)
    return open_dataset(folder)


def _photos(job: Job) -> dict[str, Dataset]:
    if not job.has_input("photos"):
        return {}
    folders = sorted(p.parent for p in job.input("photos").glob("*/manifest.json"))
    return {folder.name: _verified(folder) for folder in folders}


def _subject(folder: Path) -> Subject:
    model, card = load_model(folder)
    return Subject(card, classifier(model))


def candidate_groups(case: Case) -> list[Candidates]:
    """Return the records set apart, and the pictures that no attack of the recipe uses."""
    used = {name for trigger in case.triggers for name in trigger.pictures}
    free = {name: data for name, data in case.photos.items() if name not in used}
    groups = [Candidates("records", np.asarray(case.candidates.x), np.asarray(case.candidates.y))]
    return groups + [Candidates(name, np.asarray(d.x), np.asarray(d.y)) for name, d in free.items()]


def measure(case: Case, tests: tuple[Trial, ...], canaries: Canaries, canary_digest: str) -> Metrics:
    """Return all the numbers of the run."""
    together, detectors = screen_numbers(case)
    models: dict[str, ModelNumbers] = {}
    clean_calls = [case.subjects["baseline"].calls(t.x) for t in tests]
    for name, subject in case.subjects.items():
        fpr = together.fpr if name == "hardened" else None
        models[name] = model_numbers(case, subject, tests, clean_calls, canaries, models, fpr)
    candidate = models.get("hardened", models["victim"]).verdict
    return Metrics(
        seed=case.settings.seed,
        data=data_numbers(case),
        models=models,
        screen=together,
        detectors=detectors,
        canaries=canary_set(case, canaries, canary_digest),
        gate=gate_numbers(candidate),
        reasons="; ".join(candidate.reasons),
    )


def model_numbers(
    case: Case,
    subject: Subject,
    tests: tuple[Trial, ...],
    clean_calls: list[npt.NDArray[np.int64]],
    canaries: Canaries,
    before: Mapping[str, ModelNumbers],
    screen_fpr: Rate | None,
) -> ModelNumbers:
    """Return the numbers of one model; `before` holds those of the models measured earlier."""
    y, classes = np.asarray(case.test.y), case.test.classes
    calls = subject.calls(case.test.x)
    accuracy = share(calls == y)
    drop = _drop(before["baseline"].clean_accuracy, accuracy) if before else 0.0
    attacks = tuple(_attack(t, subject, c, classes) for t, c in zip(tests, clean_calls, strict=True))
    if screen_fpr is not None and "victim" in before:
        lost = _drop(before["victim"].clean_accuracy, accuracy)
        attacks = with_der(attacks, before["victim"].attacks, lost or 0.0)
    answers = canary_numbers(canaries.y, subject.calls(canaries.x), canaries.ids, classes)
    table = confusion(y, calls, len(classes))
    return ModelNumbers(
        digest=subject.card.weights_sha256,
        clean_accuracy=accuracy,
        accuracy_drop=drop,
        recall=tuple(rate(int(row[k]), int(row.sum())) for k, row in enumerate(table)),
        confusion=tuple(tuple(int(n) for n in row) for row in table),
        attacks=attacks,
        canaries=answers,
        verdict=verdict(drop, attacks, answers, screen_fpr, case.limits),
    )


def _attack(
    trial: Trial, subject: Subject, clean_calls: npt.NDArray[np.int64], classes: tuple[str, ...]
) -> AttackNumbers:
    plain = None if trial.before is None else subject.calls(trial.before)
    target = None if trial.target is None else classes[trial.target]
    return attack_numbers(trial, subject.calls(trial.x), plain, clean_calls, target)


def _drop(before: Rate, after: Rate) -> float | None:
    return None if before.value is None or after.value is None else before.value - after.value


def screen_numbers(case: Case) -> tuple[DetectorNumbers, tuple[DetectorNumbers, ...]]:
    """Return the numbers of all detectors together and of each."""
    attack_of, names = case.truth.attack_of, case.attack_names
    together = detector_numbers("all together", "screen", ~case.keep, None, attack_of, names)
    each = tuple(
        detector_numbers(d["name"], d["kind"], case.flagged[i], case.scores[i], attack_of, names)
        for i, d in enumerate(case.detectors)
    )
    return together, each


def data_numbers(case: Case) -> DataNumbers:
    """Return what the run worked on."""
    counts = np.bincount(case.truth.attack_of, minlength=len(case.triggers) + 1)
    return DataNumbers(
        name=case.test.manifest.name,
        classes=case.test.classes,
        rows={"train": len(case.train), "kept": int(case.keep.sum()), "test": len(case.test)},
        poisoned={name: int(counts[k]) for k, name in enumerate(case.attack_names, 1)},
        digests=dict(case.digests),
    )


def canary_set(case: Case, canaries: Canaries, digest: str) -> CanarySet:
    """Return what was frozen, and of how many candidates."""
    groups = [identifier.rpartition("/")[0] for identifier in canaries.ids]
    return CanarySet(
        digest=digest,
        records=groups.count("records"),
        pictures={name: groups.count(name) for name in sorted(set(groups) - {"records"})},
        candidates=sum(len(group.y) for group in candidate_groups(case)),
    )


def write_evidence(out: Path, case: Case, tests: tuple[Trial, ...], canaries: Canaries) -> None:
    """Write the galleries, the detectors' scores beside the truth, and the versions."""
    groups = [*poisoned_groups(case), *trial_groups(case, tests), *picture_groups(case)]
    groups.append(canary_group(canaries, case.test.classes))
    asks = {name: subject.ask for name, subject in case.subjects.items()}
    write_gallery(out, groups, asks, case.test.classes)
    arrays = {"scores": case.scores, "flagged": case.flagged, "attack_of": case.truth.attack_of}
    for name, array in arrays.items():
        np.save(out / ARRAYS / f"{name}.npy", array, allow_pickle=False)
    said = [{key: d[key] for key in ("name", "kind", "title", "threshold", "notes")} for d in case.detectors]
    write_json_atomic(out / "detectors.json", said)
    write_json_atomic(out / "audit.json", case.truth.audit)
    write_json_atomic(out / "versions.json", versions())


def poisoned_groups(case: Case) -> list[Group]:
    """Return a few poisoned rows of each attack, as the victim saw them."""
    groups, classes, truth = [], case.test.classes, case.truth
    for number, name in enumerate(case.attack_names, 1):
        rows = np.flatnonzero(truth.attack_of == number)
        rows = rows[evenly(len(rows), _POISONED_SHOWN)]
        given: list[str | None] = [classes[k] for k in case.train.y[rows]]
        right = [classes[k] for k in truth.y_true[rows]]
        ids = [f"row {row}" for row in rows]
        x = np.asarray(case.train.x[rows])
        groups.append(Group("poisoned", name, "Poisoned training rows", x, None, given, right, ids, name))
    return groups


def trial_groups(case: Case, tests: tuple[Trial, ...]) -> list[Group]:
    """Return test images with and without the trigger of each backdoor."""
    groups = []
    for trial in tests:
        if trial.before is None:
            continue
        rows = evenly(len(trial.y), _TRIGGERED_SHOWN)
        right = [case.test.classes[k] for k in trial.y[rows]]
        ids = [f"image {row}" for row in rows]
        before = trial.before[rows]
        none: list[str | None] = [None] * len(rows)
        title = "Test images with the trigger"
        groups.append(
            Group("triggered", trial.name, title, trial.x[rows], before, none, right, ids, trial.name)
        )
    return groups


def picture_groups(case: Case) -> list[Group]:
    """Return the prepared pictures of every set; those of an attack name it."""
    owner = {name: trigger.name for trigger in case.triggers for name in trigger.pictures}
    groups = []
    for name, data in case.photos.items():
        rows = evenly(len(data), _PICTURES_SHOWN)
        right = [data.classes[k] for k in data.y[rows]]
        ids = [Path(data.manifest.recipe["files"][row]).name for row in rows]
        none: list[str | None] = [None] * len(rows)
        x = np.asarray(data.x[rows])
        groups.append(Group("pictures", name, name, x, None, none, right, ids, owner.get(name)))
    return groups


def canary_group(canaries: Canaries, classes: tuple[str, ...]) -> Group:
    """Return the frozen canaries."""
    right = [classes[k] for k in canaries.y]
    none: list[str | None] = [None] * len(right)
    return Group("canaries", "frozen", "Canaries", canaries.x, None, none, right, list(canaries.ids))


def versions() -> dict[str, str]:
    """Return the versions that the numbers depend on, of the packages that are installed."""
    found = {"python": ".".join(map(str, sys.version_info[:3]))}
    for package in VERSIONED:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def limits_from(arguments: list[str]) -> GateConfig:
    """Read the gate's limits from the job's arguments, one for each; an absent one is the default.

    Raises
    ------
    UsageError
        If an argument is unknown or no number.
    """
    parser = argparse.ArgumentParser(prog="evaluate", exit_on_error=False, allow_abbrev=False)
    for name, field in GateConfig.model_fields.items():
        parser.add_argument(f"--{name.replace('_', '-')}", dest=name, type=float, default=field.default)
    try:
        known, unknown = parser.parse_known_args(arguments)
    except argparse.ArgumentError as error:
        raise UsageError("the gate's limits", str(error), "give each as a number") from None
    if unknown:
        raise UsageError(f"argument {unknown[0]}", "there is no such limit", parser.format_usage().strip())
    return GateConfig.model_validate(vars(known))


if __name__ == "__main__":
    run_step(lambda job: evaluate(job, limits_from(sys.argv[1:])))
