"""The contract of the runners: what each is given, and what it has to leave.

A runner takes a definition's steps in an order that they allow and has each job done, a processing or a
training job as SageMaker describes it, on a private `/opt/ml`. It is given an `Order` and returns the record
of the run, also where a step failed or the gate rejected the candidate. It leaves

    <workspace>/registry/                 the packages of its Register steps
    <workspace>/<run>/definition.json
                      config.json
                      execution.json      the record, rewritten after each step; at the end it has the
                                          digest of every other file
                      signature.json      of the record, with a signing key
                      report.html, report.json
                      lineage.json        what its Lineage step recorded
                      logs/<Step>.log
                      s3/<bucket>/<key>   what was staged, and what jobs that ended well wrote; read-only

and nothing that runs. All of it is written while no other process may work on the run.
`pipelines.runners.ledger` writes it, so that runs are read, reported and verified by one code wherever they
ran. An interrupt from the keyboard ends the job and the run, is written into the record, and goes on to the
caller.

The two runners are `run` of `pipelines.runners.process.runner` and `run` of
`pipelines.runners.containers.runner`; to import the latter takes seconds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pipelines.campaign.sections import Config
    from pipelines.campaign.site import Site
    from pipelines.definition.build import Built
    from pipelines.runners.process.warmth import Hosts
    from pipelines.runs.records import Event, Execution


@dataclass(frozen=True)
class Order:
    """What a runner is given.

    Attributes
    ----------
    config : Config
    site : Site
    built : Built
        The config's definition for that site, and what to put where before the first step.
    workspace : Path
        Holds the runs and the registry.
    run_id : str
        Name of the run; one that exists is run again.
    on_event : callable
        Told of each step's start and end.
    signing_key : Path or None
        The private key of the jobs that sign, and of the record; its path goes into no record.
    report : callable or None
        Writes the report into the folder of the run, when it has ended.
    cache : Path or None
        Of the runner of processes: where outputs are kept by content, instead of in the workspace.
    hosts : Hosts or None
        Of the same: what starts its jobs, where several runs one after the other share it.
    """

    config: Config
    site: Site
    built: Built
    workspace: Path
    run_id: str
    on_event: Callable[[Event], None]
    signing_key: Path | None = None
    report: Callable[[Path], object] | None = None
    cache: Path | None = None
    hosts: Hosts | None = None


class Runner(Protocol):
    """Runs a pipeline to its end."""

    def __call__(self, order: Order) -> Execution:
        """Run what was ordered, and return the record of it.

        Raises
        ------
        ConfigError
            If the definition cannot be run, before the first step.
        UsageError
            If another process is working on this run, its name cannot be one, the registry keeps a package
            of a run of that name that was told something else, or this runner cannot do what is asked.
        """
