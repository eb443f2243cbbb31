"""Which process starts a job: a plain one, or one that has TensorFlow loaded already.

Importing Keras with TensorFlow takes 7 s of a core and is most of what a small job does. A second host
imports it once, while the first job of the run works, and starts later jobs by forking (measured on
two cores: 0.1 s instead of 7 s a job, the same weights bit for bit).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pipelines.language.graph import JOBS, Node
from pipelines.language.job_plan import Plan, command_of, module_of
from pipelines.runners.process.code import Code, code_of
from pipelines.runners.process.processes import Host

_HEAVY = frozenset({"keras", "tensorflow"})
_PRELOAD = ("keras",)
# Variables that the libraries read when they are imported: a job that sets one starts from nothing.
_IMPORT_TIME = ("TF_", "KERAS_", "XLA_", "CUDA_", "NVIDIA_", "OMP_", "MKL_", "OPENBLAS_", "LD_", "PYTHON")


class Hosts:
    """The processes that start the jobs of a run, or of several one after the other.

    Parameters
    ----------
    project : Path
        Folder that the jobs' modules are imported from.
    warm : bool
        Whether to keep one with Keras loaded; needs a system that can fork.
    """

    def __init__(self, project: Path, *, warm: bool) -> None:
        self._project = project
        self._cold = Host(project)
        self._warm: Host | None = None
        self._may_warm = warm

    def lock(self, file: Path) -> None:
        """Have a file locked while a job runs, from now on; see `Host`."""
        self._cold.lock = file
        if self._warm is not None:
            self._warm.lock = file

    def pick(self, job: Plan, code: Code, ahead: Sequence[Node]) -> Host:
        """Return the host for a job, given its code and the steps that may come after it."""
        if self._warm is not None:
            return self._warm if self._gains(job, code) else self._cold
        if self._may_warm and any(self._is_heavy(node) for node in ahead):
            self._warm = Host(self._project, preload=_PRELOAD, lock=self._cold.lock)
            self._warm.start()
        return self._cold  # to wait for the other to load is no faster

    def _gains(self, job: Plan, code: Code) -> bool:
        sets_import_time = any(name.startswith(_IMPORT_TIME) for name in job.environment)
        return job.module is not None and bool(_HEAVY & code.libraries) and not sets_import_time

    def _is_heavy(self, node: Node) -> bool:
        module = module_of(command_of(node.kind, node.arguments)) if node.kind in JOBS else None
        return module is not None and bool(_HEAVY & code_of(module, self._project).libraries)

    def close(self) -> None:
        """End both, and with them a job that is still running."""
        self._cold.close()
        if self._warm is not None:
            self._warm.close()
