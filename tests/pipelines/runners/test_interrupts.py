"""An interrupt that comes while Python runs a finalizer ends the program all the same."""

from __future__ import annotations

import subprocess
import sys

import pytest
from helpers.interrupts import heard
from helpers.ranges import ROOT

PROGRAM = """
import os, signal, weakref
from pipelines.runners import interrupts
class Thing: pass
interrupts.keep()
thing = Thing()
weakref.finalize(thing, lambda: os.kill(os.getpid(), signal.SIGINT))
del thing
print("went on", flush=True)
{check}
print("not stopped", flush=True)
"""


def run(program: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", program]
    with heard():
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_it_is_raised_at_the_next_check() -> None:
    done = run(PROGRAM.format(check="interrupts.check()"))
    assert done.stdout == "went on\n" and "Exception ignored" not in done.stderr
    assert done.stderr.strip().endswith("KeyboardInterrupt")


def test_python_alone_would_drop_it() -> None:
    done = run(PROGRAM.format(check="").replace("interrupts.keep()", ""))
    assert done.stdout == "went on\nnot stopped\n" and "Exception ignored" in done.stderr


def test_it_is_raised_once() -> None:
    twice = "try:\n    interrupts.check()\nexcept KeyboardInterrupt:\n    interrupts.check()"
    assert run(PROGRAM.format(check=twice)).stdout == "went on\nnot stopped\n"


def test_other_dropped_exceptions_are_shown_as_ever() -> None:
    done = run(
        PROGRAM.replace("os.kill(os.getpid(), signal.SIGINT)", "1 / 0").format(check="interrupts.check()")
    )
    assert "ZeroDivisionError" in done.stderr and done.stdout == "went on\nnot stopped\n"


ENDED = """
import os, signal
from pipelines.runners import interrupts
{before}
interrupts.keep()
try:
    os.kill(os.getpid(), signal.{name})
    print("went on")
except KeyboardInterrupt as interrupt:
    print(interrupt)
"""


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_to_be_told_to_end_is_an_interrupt(name: str) -> None:
    before = f"signal.signal(signal.{name}, signal.SIG_DFL)"  # the tests may run under nohup
    assert run(ENDED.format(before=before, name=name)).stdout.startswith(f"it got {name}; ")


def test_what_was_ignored_before_is_ignored() -> None:
    nohup = "signal.signal(signal.SIGHUP, signal.SIG_IGN)"
    assert run(ENDED.format(before=nohup, name="SIGHUP")).stdout == "went on\n"
