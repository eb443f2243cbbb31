"""A small process between the runner and its jobs. It imports nothing of ours; it is run as a script.

It starts one job at a time, each a process (and process group) of its own, and sees to its end: at the
time limit, and when the runner is gone, whose end it notices because its standard input closes. So a
runner that is killed leaves no job behind. Where it is killed itself, Linux ends the job with it. While a job
runs it shares the lock of the run's jobs: who starts the run again waits until nothing writes there any more.

With `--preload MODULE` it imports that library once, and a job goes on from a fork of this process where
it would otherwise be a new program: as private as any other process, but it need not import TensorFlow
again, which takes longer than most jobs.

One request a line on standard input, as JSON: `argv`, `module` and `arguments` (for a forked job),
`environment`, `path`, `folder`, `log`, `lock`, `timeout_s`. One answer a line: `exit_code`, `timed_out`,
`seconds`, and what it took of the machine: `cpu_seconds`, `peak_bytes`.
"""

from __future__ import annotations

import ctypes
import fcntl
import importlib
import json
import os
import resource
import runpy
import select
import signal
import sys
import tempfile
import time
from contextlib import suppress
from typing import Any

_POLL_S = 0.02
# Time to write a checkpoint after SIGTERM; SageMaker gives two minutes.
_GRACE_S = 5.0
_PR_SET_PDEATHSIG = 1  # of Linux' prctl


def main() -> None:
    """Serve jobs until standard input closes; in a forked process, run the job it is for."""
    # Answers go to the real standard output; what a library prints must not be taken for one.
    answers = os.dup(1)
    os.dup2(2, 1)
    for name in _preloads():
        importlib.import_module(name)
    _answer(answers, ready=True)
    request = serve(answers)
    if request is None:
        os._exit(0)  # nothing is left to do, and taking TensorFlow down takes seconds
    enter(request)
    if _preloads():
        become(request)
    else:
        os.execvpe(request["argv"][0], request["argv"], request["environment"])


def _preloads() -> list[str]:
    return sys.argv[2:] if sys.argv[1:2] == ["--preload"] else []


def _answer(channel: int, **values: Any) -> None:
    os.write(channel, json.dumps(values).encode() + b"\n")


def serve(answers: int) -> dict[str, Any] | None:
    """Run each requested job to its end. Returns None at the end of input; in a job's fork, its request."""
    with open(0, "rb", buffering=0, closefd=False) as requests:
        while line := requests.readline():
            request: dict[str, Any] = json.loads(line)
            started = time.monotonic()
            lock, host = _share(request["lock"]), os.getpid()
            pid = os.fork()
            if pid == 0:
                os.close(answers)
                os.close(lock)
                end_with(host)
                return request
            status, used, timed_out = watch(pid, request["timeout_s"])
            os.close(lock)
            seconds = round(time.monotonic() - started, 3)
            exit_code = os.waitstatus_to_exitcode(status)
            _answer(answers, exit_code=exit_code, timed_out=timed_out, seconds=seconds, **taken(used))
    return None


def taken(used: resource.struct_rusage) -> dict[str, float]:
    """Return what a job took: CPU-seconds, with those of processes it waited for, and most memory at once.

    The memory is that of its largest process, pages of mapped files among it; a fork of this process begins with
    what the libraries take that it has loaded.
    """
    unit = 1 if sys.platform == "darwin" else 1024
    cpu_seconds = round(used.ru_utime + used.ru_stime, 3)
    return {"cpu_seconds": cpu_seconds, "peak_bytes": used.ru_maxrss * unit}


def _share(lock: str | None) -> int:
    """Lock a file, shared with the hosts of other machines of a job, until what is returned is closed."""
    handle = os.open(lock or os.devnull, os.O_RDWR | os.O_CREAT, 0o644)
    if lock:
        fcntl.flock(handle, fcntl.LOCK_SH)
    return handle


def end_with(parent: int) -> None:
    """Have the system kill this process when its parent ends, where it can."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it was gone before
        os._exit(1)


def watch(pid: int, timeout_s: float) -> tuple[int, resource.struct_rusage, bool]:
    """Wait for a job, end it if it takes too long or the runner is gone, then end its whole group.

    Returns
    -------
    status : int
        As `os.wait4` gives it.
    used : resource.struct_rusage
    timed_out : bool
    """
    deadline = time.monotonic() + timeout_s
    timed_out = False
    ended, status, used = os.wait4(pid, os.WNOHANG)
    while not ended:
        runner_gone = bool(select.select([0], [], [], _POLL_S)[0])
        timed_out = timed_out or time.monotonic() > deadline
        if runner_gone or timed_out:
            status, used = end(pid)
            break
        ended, status, used = os.wait4(pid, os.WNOHANG)
    _kill_group(pid)  # what the job has started and left behind
    return status, used, timed_out


def end(pid: int) -> tuple[int, resource.struct_rusage]:
    """End a job as SageMaker does, with SIGTERM and then SIGKILL; return its status and what it used."""
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + _GRACE_S
    while time.monotonic() < deadline:
        ended, status, used = os.wait4(pid, os.WNOHANG)
        if ended:
            return status, used
        time.sleep(_POLL_S)
    _kill_group(pid)
    os.kill(pid, signal.SIGKILL)  # a fork that has not got its own group yet
    return os.wait4(pid, 0)[1:]


def _kill_group(pid: int) -> None:
    with suppress(ProcessLookupError, PermissionError):  # macOS says the latter of a group of zombies
        os.killpg(pid, signal.SIGKILL)


def enter(request: dict[str, Any]) -> None:
    """Give this fork what is the job's own: its process group, folder and output."""
    os.setsid()
    log = os.open(request["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for target, source in ((0, nothing), (1, log), (2, log)):
        os.dup2(source, target)
    os.close(log)
    os.close(nothing)
    os.chdir(request["folder"])


def become(request: dict[str, Any]) -> None:
    """Turn this fork into the job, with the libraries that are loaded."""
    os.environ.clear()
    os.environ.update(request["environment"])
    tempfile.tempdir = None  # it is looked up once, and the job has one of its own
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed()  # or every fork would draw the same unseeded numbers
    sys.path[:0] = [request["folder"], *request["path"]]
    sys.argv = [request["module"], *request["arguments"]]
    runpy.run_module(request["module"], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
