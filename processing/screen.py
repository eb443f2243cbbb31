"""Screen: score and flag the rows of a training set by what a defender has.

Reads `config`, `train` (suspect), `trusted` (a small clean set), `model` (the victim) and, where several
machines shared the forward pass, their `parts`; writes the folder `screen`, see `boomerang.formats.screen`.

It has no input that says which rows are poisoned. The same inputs give the same bytes.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from boomerang.contract import Job, run_step
from boomerang.errors import BadInput
from boomerang.formats.model import Record
from boomerang.formats.notices import Notice
from boomerang.formats.screen import DetectorEntry, Screened, write_screen
from boomerang.kinds import unique_names
from boomerang.manifest import Dataset, Images, Labels, Manifest, opened
from boomerang.settings import ScreenSettings
from processing.defenses.common.base import Detector, Features, Finding, Pooled, Suspect
from processing.defenses.screening import DETECTORS
from processing.sharing.asking import asking
from processing.sharing.shares import worker
from processing.sharing.tasks import Do, Task, alone
from training.model import ModelView

STEP = "Screen"


@dataclass(frozen=True)
class SharedVictim:
    """The victim model, of which other machines may have asked the features of the suspect rows.

    It is opened when it is first asked: data validation alone costs no TensorFlow.

    Attributes
    ----------
    view : ModelView
    train : Dataset
        The suspect rows.
    do : callable
        How the task of embedding them is done.
    """

    view: ModelView
    train: Dataset
    do: Do = alone

    def embed(self, x: Images) -> Features:
        """Return float32[N, D], the penultimate layer for uint8[N, H, W, C]."""
        _ = self.view.card  # opened in any case: it is checked, and the manifest names it
        return self.do(self.embedding()).rows if x is self.train.x else self.view.embed(x)

    def answer(self, x: Images) -> Features:
        """Return float32[N, K], class probabilities for uint8[N, H, W, C]."""
        return self.view.answer(x)

    @property
    def convolutions(self) -> tuple[str, ...]:
        """The names of its convolutional layers, in order."""
        return self.view.convolutions

    def slopes(self, layers: Sequence[str]) -> Callable[[Images, Labels], list[Features]]:
        """Return a function uint8[N, H, W, C], int64[N] -> a float32[N, D] for each layer, in one pass."""
        return self.view.slopes(layers)

    @property
    def network(self) -> Any:
        """The keras.Model, without its mirror."""
        return self.view.network

    def pooled(self, layers: Sequence[str]) -> Pooled:
        """Return a function uint8[N, H, W, C] -> batches of features by layer, `training.model.pooled_of`."""
        return self.view.pooled(layers)

    @property
    def record(self) -> Record | None:
        """What its training saw of each row; None where it kept no record."""
        return self.view.record

    def embedding(self) -> Task:
        """Return the task of embedding the suspect rows."""
        return asking("features", self.view.embed, self.train.x)


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
    entries, notices = [], []
    names = unique_names([detector.kind for detector in detectors])
    # One thread: sums taken by several depend, in the last bits, on how many there are.
    with threadpool_limits(1):
        for i, (name, detector) in enumerate(zip(names, detectors, strict=True)):
            finding = detector.screen(suspect)
            _check_finding(name, finding, rows)
            scores[i], flagged[i] = finding.scores, finding.flagged
            if detector.sets_aside:
                suspect = suspect.without(finding.flagged)
            entries.append(_entry(name, detector, finding))
            print(f"{name}: {entries[-1].flagged} of {rows} rows flagged", flush=True)
            notices += [Notice(kind="warning", what=detector.title, why=why) for why in finding.warnings]
    for notice in notices:
        print(f"warning: {notice.what}: {notice.why}", file=sys.stderr, flush=True)
    return Screened(~flagged.any(0), scores, flagged, tuple(entries), tuple(notices))


def _check_finding(name: str, finding: Finding, rows: int) -> None:
    if finding.scores.shape != (rows,) or finding.flagged.shape != (rows,):
        raise ValueError(f"{name} returned {finding.scores.shape} scores for {rows} rows")
    if not np.isfinite(finding.scores).all():
        raise ValueError(f"{name} returned scores that are not finite")


def _entry(name: str, detector: Detector, finding: Finding) -> DetectorEntry:
    # No times here: they would differ between two runs on the same inputs.
    return DetectorEntry(
        name=name,
        kind=detector.kind,
        title=detector.title,
        source=detector.source,
        settings=detector.model_dump(mode="json"),
        flagged=int(finding.flagged.sum()),
        threshold=finding.threshold,
        notes=finding.notes,
    )


def run(job: Job) -> None:
    """Screen the suspect training set of a job."""
    settings = job.settings(ScreenSettings)
    detectors = [DETECTORS.create(spec) for spec in settings.detectors]
    train, trusted = opened(job.input("train")), opened(job.input("trusted"))
    do = worker(job, STEP)
    if train.classes != trusted.classes:
        why = f"the classes are {train.classes} and {trusted.classes}"
        raise BadInput("the trusted set", why, "take it from the same data as the training set")
    view = ModelView(job.input("model"), train.manifest.shape[1:])
    victim = SharedVictim(view, train, do)
    suspect = Suspect(train.x, train.y, trusted.x, trusted.y, train.classes, victim, settings.seed)
    screened = screen(suspect, detectors)
    parents = {"train": train.manifest.digest, "trusted": trusted.manifest.digest}
    parents |= {"model": view.digest} if view.digest else {}
    write_screen(job.output("screen"), screened, _manifest(train, parents, settings))


def tasks(job: Job) -> Iterator[Task]:
    """Give the work of this step that several machines may share: the features of the suspect rows."""
    train = opened(job.input("train"))
    if job.settings(ScreenSettings).detectors:
        view = ModelView(job.input("model"), train.manifest.shape[1:])
        yield SharedVictim(view, train).embedding()


def _manifest(train: Dataset, parents: dict[str, str], settings: ScreenSettings) -> Manifest:
    return Manifest(
        name=train.manifest.name,
        classes=train.classes,
        parents=parents,
        recipe=settings.model_dump(mode="json"),
        seed=settings.seed,
    )


if __name__ == "__main__":
    run_step(run)
