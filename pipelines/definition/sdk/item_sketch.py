"""The jobs of one item of a campaign as plain data, drawn by what draws the steps of an entry.

Sketches tell which items are the same, so that a shared step runs once, and which are of one shape, so that
one body can stand for all of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from boomerang.digest import canonical_json, digest_json
from pipelines.campaign.sections import Config
from pipelines.campaign.site import Site
from pipelines.campaign.staging import Inputs
from pipelines.definition.sdk.addresses import text_of
from pipelines.definition.sdk.draft import Draft
from pipelines.definition.sdk.jobs import MODEL, Job, Processing, Training, Variable

# What may differ between jobs of one shape: the field of the job, and the key in it.
Leaf = tuple[str, str]
_MAPPINGS = ("inputs", "environment", "hyperparameters")
_CHECKPOINTS = ("checkpoints", "")


@dataclass(frozen=True)
class Made:
    """An output of a sketched job, whose address nobody knows yet."""

    by: Sketch
    job: str
    output: str


class Sketch(Draft):
    """What the steps of one item share, and its jobs so far: none of them becomes a step here."""

    def __init__(self, config: Config, site: Site, inputs: Inputs) -> None:
        super().__init__(config, site, inputs, None)
        self.jobs: list[Job] = []

    def output(self, step: str, name: str) -> Variable:
        """Return what stands for an output's address, which is given when the job becomes a step."""
        return f"{step}/{name}"

    def add(self, job: Job) -> dict[str, Variable]:
        """Add a job and return what stands for its outputs."""
        self.jobs.append(job)
        outputs = [MODEL] if isinstance(job, Training) else job.outputs
        return {output: Made(self, job.name, output) for output in outputs}

    def job(self, name: str) -> Job:
        """Return the job of that name."""
        return next(job for job in self.jobs if job.name == name)

    @property
    def shape(self) -> str:
        """All that one body has in common for the items that it stands for, as a text."""
        kinds = [{"/".join(leaf): self._kind(value) for leaf, value in leaves(job)} for job in self.jobs]
        return canonical_json([[_frame(job) for job in self.jobs], kinds]).decode()

    @cached_property
    def content(self) -> str:
        """Digest of all that the item is made from, once its jobs are drawn; twins have the same."""
        values = [{"/".join(leaf): self._said(value) for leaf, value in leaves(job)} for job in self.jobs]
        return digest_json([self.shape, values])

    def _kind(self, value: Variable) -> Any:
        if not isinstance(value, Made):
            return "text"
        return [value.job, value.output] if value.by is self else "made before"

    def _said(self, value: Variable) -> Any:
        if not isinstance(value, Made):
            return value
        return [value.job, value.output, "" if value.by is self else value.by.content]


def leaves(job: Job) -> Iterator[tuple[Leaf, Variable]]:
    """Yield what of a job may be another in each item."""
    for field in _MAPPINGS:
        for key, value in getattr(job, field, {}).items():
            if value is not None:
                yield (field, key), value
    if isinstance(job, Training):
        yield _CHECKPOINTS, job.checkpoints


def with_leaves(job: Job, values: Mapping[Leaf, Variable]) -> Job:
    """Return a job with other values in the places of its leaves."""
    changed: dict[str, Any] = {}
    for (field, key), value in values.items():
        if (field, key) == _CHECKPOINTS:
            changed[field] = value
        else:
            changed.setdefault(field, {})[key] = value
    return replace(job, **changed)


def _frame(job: Job) -> list[Any]:
    """Return what of a job no two items of one shape may have different."""
    frame: list[Any] = [type(job).__name__, job.name, list(job.command), job.role, text_of(job.machine)]
    if isinstance(job, Processing):
        files = [[file.name, file.output_name, file.path] for file in job.files]
        arguments = [text_of(each) for each in job.arguments]
        frame += [list(job.outputs), arguments, files, job.count, job.isolated, job.cached]
    return frame
