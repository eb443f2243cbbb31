"""Runs the cells of a campaign, several at a time, each a run of its own with a shared cache.

A step that several cells share is made by the first that comes to it; the others wait for it and take it from
the cache (`Cache.claim`). What one cell does wrong ends that cell alone. An interrupt ends the jobs that run;
the same command goes on after what is finished.
"""

from __future__ import annotations

import os
import sys
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from threading import Event as Flag
from threading import Lock, Thread

from boomerang.errors import BoomerangError
from pipelines.campaign.site import Site
from pipelines.matrix.running.ready import Ready
from pipelines.runners.base import Order, Runner
from pipelines.runners.process.processes import PROJECT
from pipelines.runners.process.warmth import Hosts
from pipelines.runs.records import Event, Execution

# What a job is reckoned to hold at most, with the libraries of its own.
_JOB_BYTES = 2 << 30
_POLL_S = 0.2

# Told of a cell's events; of its end with None in the place of one.
Tell = Callable[["Ready", Event | None], None]


@dataclass(frozen=True)
class Works:
    """Where the cells of a campaign are run, and how.

    Attributes
    ----------
    folder : Path
        Of the campaign: each run is a folder in it.
    cache : Path
        Outputs by content, which other runs of the workspace share.
    site : Site
    runner : Runner
    jobs : int
        How many cells run at a time.
    report : callable
        Writes the report of a run.
    """

    folder: Path
    cache: Path
    site: Site
    runner: Runner
    jobs: int
    report: Callable[[Path], object]


def parallel_jobs() -> int:
    """Return how many cells this machine has room for: half its cores, as a training takes several; two at
    the least where there are two; and no more than its memory holds.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    wanted = min(cores, max(2, cores // 2))
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return max(1, min(wanted, memory // _JOB_BYTES))


class Schedule:
    """The cells that are to be run, and those who run them."""

    def __init__(self, cells: Sequence[Ready], works: Works, tell: Tell) -> None:
        self.works, self.tell = works, tell
        self.waiting = deque(cells)
        self.stopping = Flag()
        self.failures: dict[str, str] = {}
        self._hosts: list[Hosts] = []
        self._lock = Lock()

    def run(self) -> None:
        """Run every cell; what keeps one from its end is in `failures`, by its id.

        Raises
        ------
        KeyboardInterrupt
            When it was interrupted, after the jobs that ran have ended.
        """
        threads = [
            Thread(target=self._work, name=f"campaign-{number}", daemon=True)
            for number in range(self.works.jobs)
        ]
        for thread in threads:
            thread.start()
        try:
            for thread in threads:
                while thread.is_alive():
                    thread.join(_POLL_S)
        except KeyboardInterrupt:
            self._stop()
            for thread in threads:
                thread.join()
            raise

    def _stop(self) -> None:
        self.stopping.set()
        with self._lock:
            for hosts in self._hosts:
                hosts.close()

    def _work(self) -> None:
        """Run cell after cell, with the same processes to start their jobs."""
        with closing(Hosts(PROJECT, warm=sys.platform == "linux")) as hosts:
            with self._lock:
                self._hosts.append(hosts)
            while (ready := self._next()) is not None:
                self._one(ready, hosts)

    def _next(self) -> Ready | None:
        with self._lock:
            return self.waiting.popleft() if self.waiting and not self.stopping.is_set() else None

    def _one(self, ready: Ready, hosts: Hosts) -> None:
        """Run one cell to its record; what could not even be recorded is a failure all the same."""
        works = self.works
        order = Order(
            ready.config,
            works.site,
            ready.built,
            works.folder,
            ready.cell.id,
            on_event=lambda event: self._on_event(ready, event),
            report=works.report,
            cache=works.cache,
            hosts=hosts,
        )
        try:
            execution: Execution = works.runner(order)
            if execution.failed_step:
                self.failures[ready.cell.id] = f"step {execution.failed_step} stopped: {execution.failure}"
        except KeyboardInterrupt:  # its own, see `_on_event`
            return
        except (BoomerangError, OSError) as error:
            self._fail(ready, str(error))
        except Exception as error:  # whatever it is, the other cells go on
            self._fail(ready, f"a mistake of Boomerang's own: {error!r}")
        self.tell(ready, None)

    def _fail(self, ready: Ready, why: str) -> None:
        """Note a failure that no step of the run has told of."""
        self.failures[ready.cell.id] = why
        self.tell(ready, Event("its run", "failed", detail=why))

    def _on_event(self, ready: Ready, event: Event) -> None:
        """Pass an event on; once all is to end, no job is started, and none that was ended has failed."""
        if self.stopping.is_set():
            raise KeyboardInterrupt
        self.tell(ready, event)
