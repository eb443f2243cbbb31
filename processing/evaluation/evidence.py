"""What a person should see of a case: small groups of images, with what each model calls them.

Rows are taken at even steps, never by how well they make the point.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from boomerang.formats.evaluation import Group, GroupKind, Item, Picture
from boomerang.manifest import Images, Rows
from processing.attacks.common.trial import Trial
from processing.evaluation.canaries import Canaries
from processing.evaluation.case import Case
from processing.evaluation.numbers import class_name
from training.model import Ask, calls_of

_POISONED_SHOWN, _TRIGGERED_SHOWN, _PICTURES_SHOWN = 12, 8, 60
_MISTAKES_SHOWN = 12


@dataclass(frozen=True)
class _Shown:
    """Some images to show together, before the models are asked.

    Attributes
    ----------
    key : str
        Distinguishes groups of one kind.
    x : uint8[n, H, W, C], 0..255
    right, ids : sequence of str
        What each shows, and where it is from.
    given : sequence of str
        The label that each carries, where it carries one.
    before : uint8[n, H, W, C] or None
        The same images without the trigger.
    """

    kind: GroupKind
    key: str
    title: str
    x: Images
    right: Sequence[str]
    ids: Sequence[str]
    given: Sequence[str] = field(default=())
    before: Images | None = None
    attack: str | None = None


def evenly(count: int, most: int) -> Rows:
    """Return at most `most` indices of `count`, at even steps."""
    if count <= most:
        return np.arange(count)
    return np.linspace(0, count - 1, most).round().astype(np.int64)


def pictures_of(case: Case, tests: Sequence[Trial], canaries: Canaries) -> list[Picture]:
    """Return what is shown of a case, each image with every model's call and confidence."""
    shown = [*_poisoned(case), *_mistaken(case), *_triggered(case, tests), *_photographs(case)]
    shown.append(_frozen(case, canaries))
    asks = {name: subject.ask for name, subject in case.subjects.items()}
    return [_asked(each, asks, case.test.classes) for each in shown if len(each.x)]


def _poisoned(case: Case) -> list[_Shown]:
    """Return a few poisoned rows of each attack, as the victim saw them."""
    shown = []
    for number, name in enumerate(case.attack_names, 1):
        rows = np.flatnonzero(case.truth.attack_of == number)
        rows = rows[evenly(len(rows), _POISONED_SHOWN)]
        ids = [f"row {row}" for row in rows]
        shown.append(_of_training("poisoned", name, "Poisoned training rows", case, rows, ids, name))
    return shown


def _mistaken(case: Case) -> list[_Shown]:
    """Return poisoned rows that the screen kept, and clean ones that it took out, with what did."""
    screened, attack_of = case.screened, case.truth.attack_of
    missed, taken = (
        rows[evenly(len(rows), _MISTAKES_SHOWN)]
        for rows in (
            np.flatnonzero(screened.keep & (attack_of > 0)),
            np.flatnonzero(~screened.keep & (attack_of == 0)),
        )
    )
    names = np.array([detector.title or detector.name for detector in screened.detectors])
    kept_ids = [f"row {row}, {case.attack_names[attack_of[row] - 1]}" for row in missed]
    taken_ids = [f"row {row}, by {' and '.join(names[screened.flagged[:, row]])}" for row in taken]
    return [
        _of_training("missed", "rows", "Poisoned rows that the screen missed", case, missed, kept_ids),
        _of_training("taken", "rows", "Clean rows that it took out", case, taken, taken_ids),
    ]


def _of_training(
    kind: GroupKind, key: str, title: str, case: Case, rows: Rows, ids: list[str], attack: str | None = None
) -> _Shown:
    classes = case.test.classes
    return _Shown(
        *(kind, key, title),
        x=np.asarray(case.train.x[rows]),
        right=[classes[k] for k in case.truth.y_true[rows]],
        ids=ids,
        given=[classes[k] for k in case.train.y[rows]],
        attack=attack,
    )


def _triggered(case: Case, tests: Sequence[Trial]) -> list[_Shown]:
    """Return test images with and without the trigger of each attack that has one."""
    shown = []
    for trial in tests:
        if trial.before is None:
            continue
        rows = evenly(len(trial.y), _TRIGGERED_SHOWN)
        shown.append(
            _Shown(
                *("triggered", trial.name, "Test images with the trigger"),
                x=trial.x[rows],
                right=[case.test.classes[k] for k in trial.y[rows]],
                ids=[f"image {row}" for row in rows],
                before=trial.before[rows],
                attack=trial.name,
            )
        )
    return shown


def _photographs(case: Case) -> list[_Shown]:
    """Return the prepared pictures of every set; those of an attack name it."""
    owner = {name: trigger.name for trigger in case.triggers for name in trigger.pictures}
    shown = []
    for name, data in case.photos.items():
        rows = evenly(len(data), _PICTURES_SHOWN)
        shown.append(
            _Shown(
                *("pictures", name, name),
                x=np.asarray(data.x[rows]),
                right=[data.classes[k] for k in data.y[rows]],
                ids=[Path(data.manifest.recipe["files"][row]).name for row in rows],
                attack=owner.get(name),
            )
        )
    return shown


def _frozen(case: Case, canaries: Canaries) -> _Shown:
    right = [case.test.classes[k] for k in canaries.y]
    return _Shown("canaries", "frozen", "Canaries", canaries.x, right, canaries.ids)


def _asked(shown: _Shown, models: Mapping[str, Ask], classes: tuple[str, ...]) -> Picture:
    """Ask every model about the images of a group."""
    said: dict[str, list[tuple[str, float]]] = {}
    for name, ask in models.items():
        answers = ask(shown.x)
        calls, sure = calls_of(answers), np.nan_to_num(answers.max(axis=1), posinf=0.0, neginf=0.0)
        said[name] = [
            (class_name(call, classes), round(float(p), 4)) for call, p in zip(calls, sure, strict=True)
        ]
    items = tuple(
        Item(
            id=shown.ids[i],
            given=shown.given[i] if shown.given else None,
            right=shown.right[i],
            calls={name: pairs[i][0] for name, pairs in said.items()},
            confidence={name: pairs[i][1] for name, pairs in said.items()},
        )
        for i in range(len(shown.x))
    )
    group = Group(
        id=f"{shown.kind}:{shown.key}",
        kind=shown.kind,
        title=shown.title,
        attack=shown.attack,
        images="",
        items=items,
    )
    return Picture(group, shown.x, shown.before)
