"""A campaign staged through the command line, as whoever measures one does it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from bench.contest import ROOT
from boomerang.errors import StepFailed


def command(out: Path, run_id: str, overrides: Iterable[str] = (), **options: str) -> list[str]:
    """Return the command that stages an entry; options, as `config` and `on`, are the command line's own."""
    words = [sys.executable, "-m", "pipelines", "run", "--out", str(out), "--id", run_id]
    words += [word for name, value in options.items() for word in (f"--{name}", value)]
    return words + [word for override in overrides for word in ("--set", override)]


def stage(words: list[str], environment: Mapping[str, str] | None = None) -> int:
    """Run such a command and return 0 or 1, what the gate says.

    Raises
    ------
    StepFailed
        If it ends with anything else, with the last that it said.
    """
    done = subprocess.run(
        words,
        cwd=ROOT,
        env=os.environ | dict(environment or {}),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode not in (0, 1):
        raise StepFailed("the campaign", done.stderr[-2000:], "see what it says")
    return done.returncode
