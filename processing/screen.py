"""Screen: score and flag the rows of a training set by what a defender has.

Reads `config`, `train` (suspect), `trusted` (a small clean set), `model` (the victim) and, where several
machines shared the forward pass, their `parts`; writes the folder `screen`:

    keep.npy      bool[N]         rows that no detector flagged
    scores.npy    float64[D, N]   one row a detector, in the order of the config
    flagged.npy   bool[D, N]
    report.json   each detector's name, settings, threshold and notes

It has no input that says which rows are poisoned. The same inputs give the same bytes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from boomerang.contract import Job, run_step
from boomerang.errors import BadInput
from boomerang.manifest import Dataset, Images, Manifest, commit, committing, opened
from boomerang.safeio import write_json_atomic
from boomerang.settings import ScreenSettings
from processing.defenses.common.base import Features
from processing.defenses.screening import Detector, Finding, Suspect, create
from processing.sharing.asking import asking
from processing.sharing.shares import SharedStep, worker
from processing.sharing.tasks import Do, Task

STEP = SharedStep("Screen", ("config", "train", "trusted", "model"))
KEEP, SCORES, FLAGGED, REPORT = "keep.npy", "scores.npy", "flagged.npy", "report.json"


@dataclass(frozen=True)
class Screened:
    """What all detectors say together.

    Attributes
    ----------
    keep : bool[N]
        Rows that no detector flagged.
    scores : float64[D, N]
        Higher is more suspicious; finite. Scales differ between detectors.
    flagged : bool[D, N]
    report : mapping
        Plain JSON, see `report.json`.
    """

    keep: npt.NDArray[np.bool_]
    scores: npt.NDArray[np.float64]
    flagged: npt.NDArray[np.bool_]
    report: dict[str, Any] = field(default_factory=dict)


class Victim:
    """The victim model, opened when a detector first asks for features.

    Data validation alone then costs no TensorFlow.
    """

    def __init__(self, folder: Path, shape: tuple[int, ...]) -> None:
        self._folder, self._shape = folder, shape
        self.digest: str | None = None

    def embed(self, x: Images) -> Features:
        """Return float32[N, D], the penultimate layer for uint8[N, H, W, C]."""
        return self.ask(x)

    @cached_property
    def ask(self) -> Callable[[Images], Features]:
        """What `embed` calls; the victim is open once this was looked at."""
        from training.model import embedder, load_model

        model, card = load_model(self._folder)
        if card.input_shape != self._shape:
            why = f"it takes images {card.input_shape}, the rows are {self._shape}"
            raise BadInput("the victim model", why, "give the model that was trained on this data")
        self.digest = card.weights_sha256
        return embedder(model)


def screen(suspect: Suspect, detectors: Sequence[Detector]) -> Screened:
    """Run the detectors one after the other; without any, every row is kept.

    Raises
    ------
    ValueError
        If a detector returns scores that are not finite, or not one for each row.
    """
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # it ships no types

    rows = len(suspect.y)
    scores = np.zeros((len(detectors), rows))
    flagged = np.zeros((len(detectors), rows), bool)
    entries = []
    # One thread: sums taken by several depend, in the last bits, on how many there are.
    with threadpool_limits(1):
        for i, (name, detector) in enumerate(zip(unique_names(detectors), detectors, strict=True)):
            finding = detector.screen(suspect)
            _check_finding(name, finding, rows)
            scores[i], flagged[i] = finding.scores, finding.flagged
            if detector.sets_aside:
                suspect = suspect.without(finding.flagged)
            entries.append(_entry(name, detector, finding))
            print(f"{name}: {entries[-1]['flagged']} of {rows} rows flagged", flush=True)
    keep = ~flagged.any(0)
    report = {"format": 1, "rows": rows, "kept": int(keep.sum()), "detectors": entries}
    return Screened(keep, scores, flagged, report)


def unique_names(detectors: Sequence[Detector]) -> list[str]:
    """Return a name for each: its kind, and from the second of a kind on `kind-2`, `kind-3`."""
    seen: Counter[str] = Counter()
    names = []
    for detector in detectors:
        seen[detector.kind] += 1
        count = seen[detector.kind]
        names.append(detector.kind if count == 1 else f"{detector.kind}-{count}")
    return names


def _check_finding(name: str, finding: Finding, rows: int) -> None:
    if finding.scores.shape != (rows,) or finding.flagged.shape != (rows,):
        raise ValueError(f"{name} returned {finding.scores.shape} scores for {rows} rows")
    if not np.isfinite(finding.scores).all():
        raise ValueError(f"{name} returned scores that are not finite")


def _entry(name: str, detector: Detector, finding: Finding) -> dict[str, Any]:
    # No times here: they would differ between two runs on the same inputs.
    return {
        "name": name,
        "kind": detector.kind,
        "title": detector.title,
        "source": detector.source,
        "settings": detector.model_dump(mode="json"),
        "flagged": int(finding.flagged.sum()),
        "threshold": finding.threshold,
        "notes": finding.notes,
    }


def write_screen(path: Path, screened: Screened, manifest: Manifest) -> Manifest:
    """Write the output folder in one piece and return its manifest with the files' entries."""
    with committing(path) as scratch:
        np.save(scratch / KEEP, screened.keep, allow_pickle=False)
        np.save(scratch / SCORES, screened.scores, allow_pickle=False)
        np.save(scratch / FLAGGED, screened.flagged, allow_pickle=False)
        write_json_atomic(scratch / REPORT, screened.report)
        return commit(scratch, manifest)


def run(job: Job) -> None:
    """Screen the suspect training set of a job."""
    settings = job.settings(ScreenSettings)
    detectors = [create(spec) for spec in settings.detectors]
    train, trusted = opened(job.input("train")), opened(job.input("trusted"))
    do = worker(job, STEP)
    if train.classes != trusted.classes:
        why = f"the classes are {train.classes} and {trusted.classes}"
        raise BadInput("the trusted set", why, "take it from the same data as the training set")
    victim = Victim(job.input("model"), train.manifest.shape[1:])
    screened = screen(_suspect(train, trusted, victim, settings.seed, do), detectors)
    parents = {"train": train.manifest.digest, "trusted": trusted.manifest.digest}
    write_screen(job.output("screen"), screened, _manifest(train, parents, victim, settings))


def tasks(job: Job) -> Iterator[Task]:
    """Give the work of this step that several machines may share: the features of the suspect rows."""
    train = opened(job.input("train"))
    if job.settings(ScreenSettings).detectors:
        yield _embedding(train, Victim(job.input("model"), train.manifest.shape[1:]))


def _embedding(train: Dataset, victim: Victim) -> Task:
    return asking("features", victim.embed, train.x)


def _suspect(train: Dataset, trusted: Dataset, victim: Victim, seed: int, do: Do) -> Suspect:
    def embed(x: Images) -> Features:
        ask = victim.ask  # opened in any case: it is checked, and the manifest names it
        return do(_embedding(train, victim)).rows if x is train.x else ask(x)

    return Suspect(train.x, train.y, trusted.x, trusted.y, train.classes, embed, seed)


def _manifest(
    train: Dataset, parents: Mapping[str, str], victim: Victim, settings: ScreenSettings
) -> Manifest:
    model = {"model": victim.digest} if victim.digest else {}
    return Manifest(
        name=train.manifest.name,
        kind="screen",
        classes=train.classes,
        parents={**parents, **model},
        recipe=settings.model_dump(mode="json"),
        seed=settings.seed,
    )


if __name__ == "__main__":
    run_step(run)
