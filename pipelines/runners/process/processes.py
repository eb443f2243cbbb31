"""The processes of jobs, as seen from the runner: how one is started, and what it inherits."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from boomerang.contract import ROOT_ENV
from boomerang.errors import StepFailed
from pipelines.language.job_plan import INTERPRETERS, Plan
from pipelines.runners import interrupts

PROJECT = Path(__file__).resolve().parents[3]
HOST = Path(__file__).with_name("host.py")

# What a job inherits: where programs, data and machines are, and never a credential.
_INHERITED = (
    *("PATH", "HOME", "LANG", "LC_ALL", "TZ", "PYTHONDONTWRITEBYTECODE", "KERAS_HOME", "KERAS_BACKEND"),
    *("LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES", "XLA_FLAGS", "TF_FORCE_GPU_ALLOW_GROWTH"),
    *("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"),
    *("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"),
    *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE"),
)


@dataclass(frozen=True)
class Outcome:
    """How a job's process ended, after how long, and what it took of the machine.

    A negative exit code is the number of a signal.
    """

    exit_code: int
    timed_out: bool = False
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_bytes: int = 0


@dataclass
class Host:
    """The process that starts the jobs, see `pipelines.runners.process.host`; ends with `close`, or with
    this process.

    Parameters
    ----------
    project : Path
        Folder that the jobs' modules are imported from.
    preload : tuple of str
        Libraries to import once for all jobs; needs a system that can fork.
    lock : Path, optional
        A file that is locked, shared with others, while a job runs: also when this process is gone, and the
        job has time to end.
    """

    project: Path = PROJECT
    preload: tuple[str, ...] = ()
    lock: Path | None = None
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    _ready: bool = field(default=False, init=False)

    def start(self) -> None:
        """Start the process; it gets ready by itself."""
        flags = ["--preload", *self.preload] if self.preload else []
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(HOST), *flags],
            env=job_environment(self.project),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C reaches this process alone, which then ends the job
        )

    def run(self, job: Plan, ml: Path, log: Path, more: Mapping[str, str] | None = None) -> Outcome:
        """Run a job to its end, with more in its environment than the definition says.

        Raises
        ------
        StepFailed
            If the host itself was killed.
        """
        if self._process is None:
            self.start()
        folder = ml.parent / "cwd"
        for path in (folder, ml.parent / "tmp"):
            path.mkdir(parents=True, exist_ok=True)
        environment = job_environment(self.project) | {
            **job.environment,
            **(more or {}),
            ROOT_ENV: str(ml),
            "TMPDIR": str(ml.parent / "tmp"),
        }
        request = {
            "argv": [sys.executable if job.command[0] in INTERPRETERS else job.command[0], *job.command[1:]],
            "module": job.module,
            "arguments": job.command[3:],
            "environment": environment,
            "path": [str(self.project)],
            "folder": str(folder),
            "log": str(log),
            "lock": str(self.lock) if self.lock else None,
            "timeout_s": job.timeout_s,
        }
        return self._ask(request)

    def _ask(self, request: Mapping[str, Any]) -> Outcome:
        assert self._process is not None and self._process.stdin and self._process.stdout
        try:
            if not self._ready:
                self._ready = bool(json.loads(self._process.stdout.readline())["ready"])
            self._process.stdin.write(json.dumps(request).encode() + b"\n")
            self._process.stdin.flush()
            interrupts.check()
            return Outcome(**json.loads(self._process.stdout.readline()))
        except (ValueError, OSError):
            raise StepFailed("the job", "the process that watched over it was killed", "run again") from None

    def close(self) -> None:
        """End the process, and with it a job that is still running."""
        if self._process is None:
            return
        assert self._process.stdin and self._process.stdout
        self._process.stdin.close()
        if self.preload and not self._ready:
            self._process.kill()  # it is still importing, and has no job
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
        self._process, self._ready = None, False


def job_environment(project: Path) -> dict[str, str]:
    """Return what every job's environment starts from."""
    inherited = {name: value for name, value in os.environ.items() if name in _INHERITED}
    return {
        **inherited,
        "PYTHONPATH": str(project),
        "PYTHONHASHSEED": "0",
        "PYTHONUNBUFFERED": "1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "TF_ENABLE_ONEDNN_OPTS": "1",  # as `training` sets it, which a host that preloads has not imported
        "MPLBACKEND": "Agg",
    }
