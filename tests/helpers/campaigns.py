"""A small campaign on the handwritten digits, and how it is run through the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from helpers.ranges import DIGITS, ROOT

BODY = """
# A white corner, and one screen against it.
#
#   python -m pipelines campaign small.toml
name = "small"
base = "digits.toml"
seeds = [0, 1]

[[attacks]]
name = "corner"
rates = [0.04]
recipe = [{ kind = "badnets", target = "0", patch_px = 3, corner = "top-left" }]

[[defenses]]
name = "clustering"
detectors = [{ kind = "activation_clustering" }]
"""
CAMPAIGN = (
    BODY
    + """
[[exclude]]
attack = "clean"
defense = "random"
why = "of no poison it takes nothing out, as the perfect one"
"""
)


def write_campaign(folder: Path, text: str = CAMPAIGN) -> Path:
    """Write a campaign, with the entry that it starts from beside it; return its file."""
    (folder / "digits.toml").write_text(DIGITS)
    file = folder / "small.toml"
    file.write_text(text)
    return file


def start_campaign(
    file: Path, out: Path, *more: str, project: Path = ROOT, below: Sequence[str] = ()
) -> subprocess.Popen[str]:
    """Start a campaign through the command line of a project, in a process group of its own.

    The folder of its runs is given as from there, as most people do it. `below` is the command that starts
    it.
    """
    given = [str(file), "--out", os.path.relpath(out, project), *more]
    command = [sys.executable, "-m", "pipelines", "campaign", *given]
    return subprocess.Popen(
        [*below, *command],
        cwd=project,
        env=dict(os.environ),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def run_campaign(file: Path, out: Path, *more: str, **how: Any) -> tuple[int, str]:
    """Run a campaign through the command line; return its exit code and what it said."""
    process = start_campaign(file, out, *more, **how)
    said, _ = process.communicate()
    return process.returncode, said


def steps_made(folder: Path) -> list[str]:
    """Return the cache's key of every job that a run of a campaign did itself."""
    return [step["key"] for step in _steps(folder) if step["key"] and not step["cached"]]


def _steps(folder: Path) -> Iterator[dict[str, Any]]:
    for file in sorted(folder.glob("*/execution.json")):
        yield from json.loads(file.read_text())["steps"]
