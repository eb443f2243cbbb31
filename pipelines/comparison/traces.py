"""What differs in data and code between two runs, by what their records and their caches know."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from boomerang.contract import CONFIG_CHANNEL
from pipelines.comparison.key_by_key import Change, changes
from pipelines.report.run_folder import Run
from pipelines.runs.cache import Cache, Recipe
from pipelines.runs.records import OutputRecord, StepRecord

Names = tuple[str, str]

# The types of the steps that run code of ours.
_JOBS = ("Processing", "Training")


@dataclass(frozen=True)
class Content:
    """What something is: its digest, and where the record says so how many files and bytes it has."""

    digest: str
    files: int | None = None
    size: int | None = None


@dataclass(frozen=True)
class Thing:
    """Something that a step was given, made, or measured on.

    Attributes
    ----------
    title : str
    old, new : Content or None
        None where a run has no such thing.
    files : tuple of str
        Of one that differs, the files that do.
    """

    title: str
    old: Content | None
    new: Content | None
    files: tuple[str, ...] = ()

    @property
    def same(self) -> bool:
        """Whether both are the same bytes."""
        return self.old is not None and self.new is not None and self.old.digest == self.new.digest


@dataclass(frozen=True)
class Source:
    """A file of code that differs: its digest in both runs, `key_by_key.ABSENT` where it was not run."""

    path: str
    old: str
    new: str
    steps: tuple[str, ...]


@dataclass(frozen=True)
class Code:
    """What differs in what the steps ran.

    Attributes
    ----------
    files : tuple of Source
    versions : tuple of Change or None
        Of Python and of the libraries; None where they are not known of both.
    same : tuple of str
        Steps that ran the same code.
    unknown : tuple of str
        Of which step it cannot be said, and why.
    """

    files: tuple[Source, ...]
    versions: tuple[Change, ...] | None
    same: tuple[str, ...]
    unknown: tuple[str, ...]


def data(first: Run, second: Run) -> tuple[Thing, ...]:
    """Return what the steps of two runs were given from outside, made, and measured on, alike or not."""
    old, new = dict(_things(first)), dict(_things(second))
    titles = [*old, *(title for title in new if title not in old)]
    return tuple(_thing(title, old.get(title), new.get(title)) for title in titles)


def _things(run: Run) -> Iterator[tuple[str, str | OutputRecord]]:
    made = [output.uri for step in run.execution.steps for output in step.outputs.values()]
    for step in run.execution.steps:
        for name, given in step.inputs.items():
            uri = given.get("uri", "")
            if name != CONFIG_CHANNEL and not any(f"{uri}/".startswith(f"{each}/") for each in made):
                yield f"{step.name} ← {name}", given.get("digest", "")
        for name, output in step.outputs.items():
            yield f"{step.name} → {name}", output
    if run.evaluation is not None:
        for name, digest in run.evaluation.metrics.data.digests.items():
            yield f"manifest: {name}", digest


def _thing(title: str, old: str | OutputRecord | None, new: str | OutputRecord | None) -> Thing:
    files: tuple[str, ...] = ()
    if isinstance(old, OutputRecord) and isinstance(new, OutputRecord):
        names = sorted(old.files.keys() | new.files.keys())
        files = tuple(name for name in names if _digest(old, name) != _digest(new, name))
    return Thing(title, _content(old), _content(new), files)


def _digest(output: OutputRecord, name: str) -> Any:
    return output.files.get(name, {}).get("sha256")


def _content(given: str | OutputRecord | None) -> Content | None:
    if not isinstance(given, OutputRecord):
        return None if given is None else Content(given)
    sizes = [entry.get("bytes") for entry in given.files.values()]
    return Content(given.digest, len(sizes), sum(size for size in sizes if isinstance(size, int)))


def code(names: Names, first: Run, second: Run) -> Code:
    """Return what differs in the code that the steps of two runs ran, as far as it is known.

    A step's key covers its code: steps of one key ran the same. Else the cache has the digests, as long as
    it has the entry.
    """
    old, new = _recipes(first), _recipes(second)
    same, unknown, both = [], [], {}
    for step in _jobs(first).keys() & _jobs(second).keys():
        keys = _jobs(first)[step].key, _jobs(second)[step].key
        if None not in keys and keys[0] == keys[1]:
            same.append(step)
        elif step in old and step in new:
            both[step] = old[step].code, new[step].code
        else:
            unknown.append(f"{step}: {_why_unknown(names, keys, (step in old, step in new))}")
    order = list(_jobs(second))
    same += [step for step, (a, b) in both.items() if a == b]
    return Code(
        files=tuple(_sources(both, order)),
        versions=_versions(first, second, old, new),
        same=tuple(sorted(same, key=order.index)),
        unknown=tuple(sorted(unknown, key=lambda said: order.index(said.partition(":")[0]))),
    )


def _jobs(run: Run) -> dict[str, StepRecord]:
    """Return the steps that ran code of ours, to its end or not."""
    steps = (step for step in run.execution.steps if step.status != "Skipped")
    return {step.name: step for step in steps if step.type in _JOBS}


def _recipes(run: Run) -> dict[str, Recipe]:
    """Return from what each step was made, of those whose entry the workspace's cache still has.

    A run lies in the workspace; one of a campaign in the campaign's folder there.
    """
    caches = [Cache(place / "cache") for place in run.execution.run_dir.resolve().parents[:2]]
    keys = {name: step.key for name, step in _jobs(run).items() if step.key}
    found = ((name, cache.recipe(key)) for cache in caches for name, key in keys.items())
    return {name: recipe for name, recipe in found if recipe is not None}


def _why_unknown(names: Names, keys: tuple[str | None, str | None], found: tuple[bool, bool]) -> str:
    if None in keys:
        return f"{names[keys.index(None)]} has no key of it, as of a step that ran in a container or failed"
    return f"the cache of {names[found.index(False)]} has no entry of it any more"


def _sources(both: Mapping[str, tuple[Any, Any]], order: list[str]) -> Iterator[Source]:
    found: dict[tuple[str, str, str], list[str]] = {}
    for step in sorted(both, key=order.index):
        for change in changes(*({path: str(digest) for path, digest in each.items()} for each in both[step])):
            found.setdefault((change.key, change.old, change.new), []).append(step)
    for (path, before, after), steps in sorted(found.items()):
        yield Source(path, before, after, tuple(steps))


def _versions(
    first: Run, second: Run, old: Mapping[str, Recipe], new: Mapping[str, Recipe]
) -> tuple[Change, ...] | None:
    """Return which libraries differ: a run has one set of them, which each of its recipes names."""
    if old and new:
        return changes(next(iter(old.values())).versions, next(iter(new.values())).versions)
    if first.evaluation and second.evaluation:
        return changes(first.evaluation.versions, second.evaluation.versions)
    return None
