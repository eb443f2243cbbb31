"""Whether the data has the rows that an entry asks for, class by class, before any of them is read.

It mirrors `processing.preprocess.splits`: canaries first, then validation, then train with its past.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import astuple, dataclass

from boomerang.errors import ConfigError
from boomerang.settings import CanaryConfig, DataConfig
from boomerang.shown import display_name
from processing.datasets.common.survey import Survey

# What `data.validation` is at least, as `boomerang.settings` has it.
_LEAST_VALIDATION = 10
_MOST_NAMED = 5
_KEYS = ("data.validation", "canaries.candidates_per_class", "data.train", "data.test", "data.history")


@dataclass(frozen=True)
class Asked:
    """Rows of each class that an entry asks for; of `train`, `test` and `history` 0 where it says none."""

    validation: int
    canaries: int
    train: int
    test: int
    history: int

    @classmethod
    def by(cls, data: DataConfig, canaries: CanaryConfig, classes: int) -> Asked:
        """Return what the sections ask for, rounded down to whole classes but to 1 at least."""
        per = [max(1, rows // classes) if rows else 0 for rows in (data.train, data.test, data.history)]
        return cls(max(1, data.validation // classes), canaries.candidates_per_class, *per)

    def settings(self, classes: int) -> dict[str, int]:
        """Return it as an entry says it."""
        validation, canaries, *others = astuple(self)
        return dict(zip(_KEYS, (validation * classes, canaries, *(n * classes for n in others)), strict=True))


def check_enough(data: DataConfig, canaries: CanaryConfig, survey: Survey | None, classes: int) -> None:
    """Refuse an entry that asks a class for rows that it does not have, or for no multiple of the classes.

    Parameters
    ----------
    data : DataConfig
    canaries : CanaryConfig
    survey : Survey or None
        None where the rows are drawn, or not here yet.
    classes : int
        How many there are.

    Raises
    ------
    ConfigError
        Saying all that is wrong, and settings that work.
    """
    wrong = [*_no_multiples(data, classes)]
    asked = Asked.by(data, canaries, classes)
    if survey is not None:
        wrong += _too_few(asked, survey)
    if not wrong:
        return
    works = asked if survey is None else fitting(asked, survey)
    do = _leave_out(survey) if works is None and survey is not None else _set(data, canaries, works, classes)
    raise ConfigError("the rows of each class", "; ".join(wrong), do)


def _no_multiples(data: DataConfig, classes: int) -> Iterator[str]:
    for key in ("validation", "train", "test"):
        if (rows := getattr(data, key)) % classes:
            yield f"data.{key} = {rows} is no multiple of the {classes} classes"


def _too_few(asked: Asked, survey: Survey) -> Iterator[str]:
    """Give what the classes with too few rows lack, in words."""
    train, test = survey.counts["train"], survey.counts["test"]
    apart = survey.counts.get("validation")
    needs = {"to train on": max(asked.train, asked.history + 1), "for canaries": asked.canaries}
    if apart is None:
        needs["for validation"] = asked.validation
    else:
        yield from _lacking(survey.classes, apart, asked.validation, "validation rows", "for validation")
    parts = " + ".join(f"{rows} {what}" for what, rows in needs.items())
    yield from _lacking(survey.classes, train, sum(needs.values()), "training rows", f"({parts})")
    yield from _lacking(survey.classes, test, max(asked.test, 1), "test rows", "for the test")


def _lacking(
    classes: tuple[str, ...], rows: tuple[int, ...], needed: int, what: str, parts: str
) -> Iterator[str]:
    few = [(count, name) for count, name in zip(rows, classes, strict=True) if count < needed]
    if few:
        count, name = min(few)
        others = f"; {len(few) - 1} other classes have too few as well" if len(few) > 1 else ""
        yield f"class '{display_name(name)}' has {count} {what}, and {needed} are needed {parts}{others}"


def fitting(asked: Asked, survey: Survey) -> Asked | None:
    """Return rows of each class that the data has, near to those asked for; None where it has too few.

    Where they do not fit, canaries and validation take half of the smallest class at most.
    """
    train, test = min(survey.counts["train"]), min(survey.counts["test"])
    apart = survey.counts.get("validation")
    fewest = -(-_LEAST_VALIDATION // len(survey.classes))
    validation = max(asked.validation, fewest) if apart is None else min(asked.validation, *apart)
    trusted = validation if apart is None else 0
    keep = max(asked.train, asked.history + 1)
    canaries = asked.canaries
    if trusted + canaries + keep > train:
        least = 1 + (fewest if apart is None else 0)
        room = max(least, train - keep if 2 * keep >= train else train // 2)
        canaries = min(canaries, max(1, room // 4)) if apart is None else min(canaries, room)
        if apart is None:
            trusted = validation = min(validation, room - canaries)
    left = train - trusted - canaries
    if left < 1 + bool(asked.history) or validation < fewest or test < 1:
        return None
    kept = min(asked.train, left)
    history = min(asked.history, (kept or left) - 1)
    return Asked(validation, canaries, kept, min(asked.test, test), history)


def _set(data: DataConfig, canaries: CanaryConfig, works: Asked | None, classes: int) -> str:
    """Return the line that sets what has to change."""
    assert works is not None
    now = (data.validation, canaries.candidates_per_class, data.train, data.test, data.history)
    new = works.settings(classes)
    changed = [f"{key} = {new[key]}" for key, value in zip(_KEYS, now, strict=True) if new[key] != value]
    return f"set {', '.join(changed)}"


def _leave_out(survey: Survey) -> str:
    """Return what to do where no setting works: the classes that have too few rows for any."""
    train, test = survey.counts["train"], survey.counts["test"]
    apart = survey.counts.get("validation", (1,) * len(train))
    rows = zip(survey.classes, train, test, apart, strict=True)
    few = [display_name(name) for name, a, b, c in rows if a < 3 or b < 1 or c < 1]
    if not few:
        return "add images of the smallest class, or leave it out with data.classes"
    named = ", ".join(few[:_MOST_NAMED]) + (
        f" and {len(few) - _MOST_NAMED} more" if len(few) > _MOST_NAMED else ""
    )
    return f"add images of {named}, or name the other classes in data.classes"


def delivered(data: DataConfig, canaries: CanaryConfig, survey: Survey) -> Mapping[str, int]:
    """Return by class the training rows that an attack may reach, of data that has enough."""
    asked = Asked.by(data, canaries, len(survey.classes))
    taken = asked.canaries + (0 if "validation" in survey.counts else asked.validation)
    rows = survey.counts["train"]
    return {
        name: (asked.train or count - taken) - asked.history
        for name, count in zip(survey.classes, rows, strict=True)
    }
