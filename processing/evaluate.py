"""Evaluate: hold the models against the test set, the attacks, the canaries and the gate.

    reads   config, heldout, photos (if the config has pictures), train, secret, screen, baseline, victim,
            hardened (if one was trained), parts (where several machines shared the predictions)
    writes  evaluation   `metrics.json`, which the pipeline's gate reads, the evidence that the report
                         draws from, and what the canary will ask a registered model about: `canaries`,
                         and `probes` with a folder for each attack that aims at a class

The only step that is given the truth.
"""

from __future__ import annotations

import argparse
import sys
from importlib import metadata
from pathlib import Path

from boomerang.config import validate
from boomerang.contract import Job, run_step
from boomerang.errors import UsageError
from boomerang.formats.evaluation import CANARIES, DetectorWords, Evidence, write_evaluation
from boomerang.formats.probes import PROBES
from boomerang.gate import GateConfig
from boomerang.manifest import Manifest, committing, write_dataset
from processing.attacks.common.trial import Trial
from processing.evaluation.canaries import Canaries, freeze
from processing.evaluation.case import Case, candidate_groups, open_case
from processing.evaluation.evidence import pictures_of
from processing.evaluation.measure import Frozen, measure
from processing.evaluation.predictions import STEP, predict, predicted
from processing.evaluation.probes import freeze_probes
from processing.evaluation.robustness.certified import certificates
from processing.evaluation.robustness.retuning import with_retuned
from processing.evaluation.trials import trials
from processing.sharing.shares import worker

VERSIONED = (
    "tensorflow-cpu",
    "tensorflow",
    "keras",
    "numpy",
    "scikit-learn",
    "pillow",
    "adversarial-robustness-toolbox",
)


def evaluate(job: Job, limits: GateConfig) -> None:
    """Run the step: see the module."""
    case = open_case(job, limits)
    tests = trials(case.triggers, case.test, case.photos)
    case = with_retuned(case, tests)
    predict(case, tests, worker(job, STEP))
    with committing(job.output("evaluation")) as out:
        frozen = freeze_all(out, case, tests)
        metrics = measure(case, tests, frozen)
        manifest = Manifest(name=case.test.manifest.name, classes=case.test.classes)
        write_evaluation(out, metrics, evidence(case, tests, frozen.canaries), manifest)
    print(metrics.reasons or "the candidate passes the gate", flush=True)


def freeze_all(out: Path, case: Case, tests: tuple[Trial, ...]) -> Frozen:
    """Write the canary records and the probes."""
    canaries = freeze(candidate_groups(case), case.settings.canaries, case.subjects["baseline"].ask)
    records = write_dataset(
        out / CANARIES,
        canaries.x,
        canaries.y,
        name=case.candidates.manifest.name,
        classes=case.test.classes,
        recipe={**case.settings.canaries.model_dump(mode="json"), "ids": list(canaries.ids)},
    )
    probes = freeze_probes(out / PROBES, case, tests)
    return Frozen(canaries, records.manifest.digest, probes, certificates(case, canaries))


def evidence(case: Case, tests: tuple[Trial, ...], canaries: Canaries) -> Evidence:
    """Return what stands beside the numbers: pictures, the detectors' scores beside the truth, versions."""
    said = [
        DetectorWords.model_validate(detector.model_dump(include=set(DetectorWords.model_fields)))
        for detector in case.screened.detectors
    ]
    return Evidence(
        pictures=pictures_of(case, tests, canaries),
        detectors=said,
        scores=case.screened.scores,
        flagged=case.screened.flagged,
        attack_of=case.truth.attack_of,
        audit=case.truth.audit,
        versions=versions(),
        predictions=predicted(case, tests),
        repairs={name: subject.card.repairs for name, subject in case.subjects.items()},
    )


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
    UsageError, ConfigError
        If an argument is unknown, no number, or one that no limit may be.
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
    return validate(GateConfig, vars(known), where="the gate's limits")


if __name__ == "__main__":
    run_step(lambda job: evaluate(job, limits_from(sys.argv[1:])))
