"""What a run would reuse, and why not the rest: said without running anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from boomerang.errors import StepFailed
from pipelines.language.expressions import Scope, parameter_values
from pipelines.language.graph import JOBS, Node, ordered
from pipelines.language.job_plan import Plan, properties
from pipelines.runners.process.cache_recipe import code_of_job, recipe
from pipelines.runners.process.processes import PROJECT
from pipelines.runners.scope import job_plan, run_scope
from pipelines.runs.cache import Cache, Damaged, Entry
from pipelines.runs.storage import Store

# An address needs some run; nothing is written there.
_NO_RUN = "plan"


@dataclass(frozen=True)
class CacheWord:
    """Whether a job would be reused, and why not (or from which run)."""

    step: str
    hit: bool
    why: str


def explain_cache(
    definition: Mapping[str, Any],
    staged: Mapping[str, Path | bytes],
    workspace: Path,
    parameters: Mapping[str, Any] | None = None,
    *,
    project: Path = PROJECT,
    cache: Cache | None = None,
) -> list[CacheWord]:
    """Return for each job, in order, whether `execute` would take it from the cache.

    For one that it would not, the reason is what differs from the most similar earlier run of that
    step: its command, an input, or the files of code that have changed.

    Parameters
    ----------
    definition, staged, workspace, parameters, project
        As of `pipelines.runners.process.runner.execute`. Nothing in the workspace is changed.
    cache : Cache, optional
        Instead of the workspace's.

    Raises
    ------
    ConfigError, BadInput
        As `execute` raises them before the first step.
    """
    nodes = ordered(definition)
    values = parameter_values(definition.get("Parameters", []), parameters or {})
    store = Store(workspace.resolve() / _NO_RUN / "s3")
    for uri, source in staged.items():
        store.expect(uri, source)
    scope = run_scope(_NO_RUN, values, nodes, store)
    forecast = _Forecast(cache or Cache(workspace.resolve() / "cache"), store, scope, project)
    return [forecast.word(node) for node in nodes if node.kind in JOBS]


@dataclass
class _Forecast:
    """What would be in the store as far as the jobs were looked up, and which job makes the rest."""

    cache: Cache
    store: Store
    scope: Scope
    project: Path
    unmade: dict[str, str] = field(default_factory=dict)

    def word(self, node: Node) -> CacheWord:
        """Look a job up, and let what it has made be known to the jobs after it."""
        try:
            job = job_plan(node, self.scope)
        except StepFailed as error:
            return CacheWord(node.name, False, f"{error.what}: {error.why}")
        self.scope.properties[node.name] = properties(job)
        found = self._look_up(node, job)
        if isinstance(found, str):
            self.unmade |= {target.uri: node.name for target in job.targets}
            return CacheWord(node.name, False, found)
        for made in found.made:
            self.store.know(job.target(made.name).uri, made.path, made.files)
        return CacheWord(node.name, True, f"as run {found.run} made it")

    def _look_up(self, node: Node, job: Plan) -> Entry | str:
        """Return a job's entry in the cache, or why there is none to use."""
        before = sorted({self.unmade[s.uri] for s in job.sources if s.uri in self.unmade})
        if before:
            return f"it reads what {', '.join(before)} will make"
        if not node.cacheable:
            return "the definition does not let it be reused"
        made_by = recipe(job, self.store, code_of_job(job, self.store, self.project))
        match self.cache.find(made_by.key, drop=False):
            case Entry() as entry:
                return entry
            case Damaged(why=why):
                return f"what was kept of it is damaged: {why}"
        return self.cache.nearest(made_by)
