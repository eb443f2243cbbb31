"""What differs between two runs: settings, data, code, and each number with its difference's interval."""

from __future__ import annotations

from dataclasses import dataclass

from boomerang.metrics import MODELS, AttackNumbers, DetectorNumbers, Metrics
from boomerang.scoring import Rate, paired_difference, share
from pipelines.comparison.gaps import Better, Gap, Line, rate_gap, rate_value
from pipelines.comparison.key_by_key import Change, changes
from pipelines.comparison.pairs import Pairs, TwoHits
from pipelines.comparison.traces import Code, Names, Thing, code, data
from pipelines.page.gate_table import reasons
from pipelines.page.wording import plural
from pipelines.report.run_folder import Run


@dataclass(frozen=True)
class Word:
    """The gate's word on one model; `passed` is None where there is no such model."""

    passed: bool | None
    reasons: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """It in words."""
        return {None: "no such model", True: "passes the gate", False: "rejected"}[self.passed]


@dataclass(frozen=True)
class Group:
    """The numbers of one model, or of the screen, of which there is no word of the gate.

    Attributes
    ----------
    title : str
        `baseline`, `victim`, `hardened` or `screen`.
    lines : tuple of Line
    words : (Word, Word) or None
    same : bool
        Whether it is the same model in both runs.
    """

    title: str
    lines: tuple[Line, ...]
    words: tuple[Word, Word] | None = None
    same: bool = False


@dataclass(frozen=True)
class TwoRuns:
    """Two runs beside each other.

    Attributes
    ----------
    names : (str, str)
    settings : tuple of Change
    data : tuple of Thing
        Those that are the same, too.
    code : Code
    groups : tuple of Group
        Empty where one of the two was not measured.
    candidates : (Word, Word) or None
        The gate's word on what each run would release.
    unmeasured : tuple of str
        Which run was not measured, and why.
    """

    names: Names
    settings: tuple[Change, ...]
    data: tuple[Thing, ...]
    code: Code
    groups: tuple[Group, ...] = ()
    candidates: tuple[Word, Word] | None = None
    unmeasured: tuple[str, ...] = ()

    @property
    def lines(self) -> tuple[Line, ...]:
        """All numbers."""
        return tuple(line for group in self.groups for line in group.lines)

    @property
    def paired(self) -> int:
        """How many of the numbers were counted on the same images in both runs."""
        return sum(line.gap is not None and line.gap.paired for line in self.lines)

    @property
    def others(self) -> tuple[Thing, ...]:
        """What of the data differs."""
        return tuple(thing for thing in self.data if not thing.same)

    @property
    def headline(self) -> str:
        """What a person wants to know first."""
        if self.candidates is None:
            return f"{' and '.join(self.unmeasured)}: there is no number to compare"
        old, new = (word.passed for word in self.candidates)
        if old == new:
            return "The gate passes both" if old else "The gate rejects both"
        return f"The gate passes {self.names[0 if old else 1]} and rejects {self.names[1 if old else 0]}"

    @property
    def counted(self) -> str:
        """How much differs, in a sentence."""
        parts = [
            plural(len(self.settings), "setting"),
            plural(len(self.others), "digest of data and models", "digests of data and models"),
            plural(len(self.code.files), "file of code", "files of code"),
        ]
        if self.code.versions is not None:
            parts.append(plural(len(self.code.versions), "version"))
        unknown = len(self.code.unknown)
        code = f" The code of {plural(unknown, 'step')} is not known." if unknown else ""
        told = sum(line.gap is not None and line.gap.told for line in self.lines)
        numbers = f" Of {plural(len(self.lines), 'number')} {told} can be told apart." if self.lines else ""
        return f"{', '.join(parts[:-1])} and {parts[-1]} differ.{code}{numbers}"


def compare_runs(names: Names, first: Run, second: Run) -> TwoRuns:
    """Return what differs between two runs, the second against the first."""
    found = TwoRuns(
        names=names,
        settings=changes(first.config, second.config),
        data=data(first, second),
        code=code(names, first, second),
        unmeasured=tuple(
            _why(name, run) for name, run in zip(names, (first, second), strict=True) if not run.evaluation
        ),
    )
    if first.evaluation is None or second.evaluation is None:
        return found
    old, new = first.evaluation.metrics, second.evaluation.metrics
    return TwoRuns(
        names=found.names,
        settings=found.settings,
        data=found.data,
        code=found.code,
        groups=tuple(_groups(old, new, Pairs.of(first.evaluation, second.evaluation))),
        candidates=(_word(old, old.candidate), _word(new, new.candidate)),
    )


def _why(name: str, run: Run) -> str:
    if (step := run.stopped_by) is not None:
        return f"{name} stopped at {step.name}"
    if not run.execution.has_ended:
        return f"{name} was cut off, or is still running"
    return f"{name} has no evaluation"


def _groups(old: Metrics, new: Metrics, pairs: Pairs) -> list[Group]:
    models = [name for name in MODELS if name in old.models or name in new.models]
    groups = []
    for name in models:
        known = {each.models[name].digest for each in (old, new) if name in each.models}
        same = len(known) == 1 and name in old.models and name in new.models
        words = _word(old, name), _word(new, name)
        groups.append(Group(name, tuple(_model(name, old, new, pairs)), words, same))
    return [*groups, Group("screen", tuple(_screen(old.screen, new.screen)))]


def _word(metrics: Metrics, model: str) -> Word:
    if model not in metrics.models:
        return Word(None)
    return Word(metrics.models[model].verdict.passed, tuple(reasons(metrics.models[model])))


def _model(model: str, old: Metrics, new: Metrics, pairs: Pairs) -> list[Line]:
    a, b = old.models.get(model), new.models.get(model)
    before, after = (None if each is None else each.clean_accuracy for each in (a, b))
    lines = [_line("clean accuracy", "high", before, after, pairs.right(model))]
    attacks = [{attack.name: attack for attack in each.attacks} if each else {} for each in (a, b)]
    for name in dict.fromkeys([*attacks[0], *attacks[1]]):
        lines += _attack(model, name, attacks[0].get(name), attacks[1].get(name), pairs)
    return lines


def _attack(
    model: str, name: str, old: AttackNumbers | None, new: AttackNumbers | None, pairs: Pairs
) -> list[Line]:
    """Return the rates of an attack; of one that aims at no class there is none."""
    if all(each is None or each.outcome == "untargeted" for each in (old, new)):
        return []
    asr, fooled = [each.asr if each else None for each in (old, new)], pairs.fooled(model, name)
    ra, right = [each.ra if each else None for each in (old, new)], pairs.right(model, name)
    return [
        _line(f"ASR of {name}", "low", asr[0], asr[1], fooled),
        _line(f"RA of {name}", "high", ra[0], ra[1], right),
    ]


def _screen(old: DetectorNumbers, new: DetectorNumbers) -> list[Line]:
    return [_line("TPR", "high", old.tpr, new.tpr), _line("FPR", "low", old.fpr, new.fpr)]


def _line(
    title: str, better: Better, old: Rate | None, new: Rate | None, hits: TwoHits | None = None
) -> Line:
    """Return a rate of both runs; `hits` is which cases it counts, where both are of the same images."""
    gap = rate_gap(old, new)
    if gap is not None and hits is not None and (share(hits[0]), share(hits[1])) == (old, new):
        gap = Gap(*paired_difference(hits[1], hits[0]), paired=True)
    return Line(title, better, rate_value(old), rate_value(new), gap)
