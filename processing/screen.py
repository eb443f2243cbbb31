"""Screen: score and flag the rows of a training set by what a defender has.

Reads `config`, `train` (suspect), `trusted` (a small clean set), `model` (the victim), where there are rows
of the past those (`history`) and the model that learned them alone (`reference`), and, where several machines
shared the forward pass, their `parts`; writes the folder `screen`, see `boomerang.formats.screen`.

It has no input that says which rows are poisoned. The same inputs give the same bytes: what each detector
takes of the processors is said in the log alone.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from time import process_time
from typing import Any

import numpy as np

from boomerang.blocks import let_go, rows_at_once
from boomerang.contract import Job, run_step
from boomerang.errors import BadInput
from boomerang.formats.model import Record
from boomerang.formats.notices import Notice
from boomerang.formats.screen import DetectorEntry, Screened, write_screen
from boomerang.kinds import unique_names
from boomerang.manifest import Dataset, Images, Labels, Manifest, opened
from boomerang.settings import ScreenSettings
from processing.defenses.common.base import Detector, Features, Finding, Pooled, Suspect
from processing.defenses.common.estimators import draw
from processing.defenses.screening import DETECTORS
from processing.sharing.asking import asking
from processing.sharing.shares import worker
from processing.sharing.tasks import Do, Task, alone
from training.model import ModelView

STEP = "Screen"

# Enough for any threshold, and no more than fits beside the victim.
_MOST_PAST, _PAST_BYTES = 5_000, 128 << 20


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
        """Return float32[N, D], the penultimate layer for uint8[N, H, W, C]; say what it took."""
        clock = process_time()
        _ = self.view.card  # opened in any case: it is checked, and the manifest names it
        features = self.do(self.embedding()).rows if x is self.train.x else self.view.embed(x)
        print(f"features: {len(x)} rows in {process_time() - clock:.3f} CPU-s", flush=True)
        return features

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
            clock = process_time()
            finding = detector.screen(suspect)
            spent = process_time() - clock
            _check_finding(name, finding, rows)
            scores[i], flagged[i] = finding.scores, finding.flagged
            if detector.sets_aside:
                suspect = suspect.without(finding.flagged)
            entries.append(_entry(name, detector, finding))
            print(f"{name}: {entries[-1].flagged} of {rows} rows flagged in {spent:.3f} CPU-s", flush=True)
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
        stated_fpr=detector.stated_fpr,
        notes=finding.notes,
    )


def run(job: Job) -> None:
    """Screen the suspect training set of a job."""
    settings = job.settings(ScreenSettings)
    detectors = [DETECTORS.create(spec) for spec in settings.detectors]
    names = ("train", "trusted", *(("history",) if job.has_input("history") else ()))
    data = {name: opened(job.input(name)) for name in names}
    train, trusted = data["train"], data["trusted"]
    _check_classes(data)
    image = train.manifest.shape[1:]
    views = {"model": ModelView(job.input("model"), image)}
    if job.has_input("reference"):
        views["reference"] = ModelView(job.input("reference"), image, "the reference model")
    victim = SharedVictim(views["model"], train, worker(job, STEP))
    suspect = Suspect(
        *(train.x, train.y, trusted.x, trusted.y, train.classes, victim, settings.seed),
        sources=train.sources,
        source_names=train.manifest.source_names,
        vouched=train.vouched,
        reference=views.get("reference"),
        **_past(data.get("history"), settings.seed),
    )
    screened = screen(suspect, detectors)
    parents = {name: each.manifest.digest for name, each in data.items()}
    parents |= {name: view.digest for name, view in views.items() if view.digest}
    write_screen(job.output("screen"), screened, _manifest(train, parents, settings))


def _check_classes(data: Mapping[str, Dataset]) -> None:
    """Refuse sets whose classes are not those of the training set."""
    train = data["train"]
    for name, what in (("trusted", "the trusted set"), ("history", "the rows of the past")):
        if name in data and data[name].classes != train.classes:
            why = f"the classes are {train.classes} and {data[name].classes}"
            raise BadInput(what, why, "take it from the same data as the training set")


def _past(history: Dataset | None, seed: int) -> dict[str, Any]:
    """Return the rows of the past that detectors are shown, as fields of `Suspect`; nothing without any.

    At most `_MOST_PAST`, and no more than `_PAST_BYTES` of images: of every class as many, drawn by the seed.
    """
    if history is None:
        return {}
    x, y = history.x, np.asarray(history.y)
    per_class = min(_MOST_PAST, rows_at_once(x, _PAST_BYTES)) // len(history.classes)
    rows = [draw(np.flatnonzero(y == label), max(1, per_class), seed) for label in np.unique(y)]
    chosen = np.sort(np.concatenate(rows))
    few = x[chosen]
    let_go(x)
    return {"past_x": few, "past_y": y[chosen], "past_rows": len(history)}


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
