"""Campaign entries staged through the command line, as tests look at them."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]

# Handwritten digits, because they come with scikit-learn and train in seconds. The white corner is
# what makes the backdoor plain to see; 4% because 1% of 1,200 rows is twelve.
DIGITS = """
name = "digits"
[data]
source = "digits"
validation = 100
[canaries]
candidates_per_class = 5
margin = 0.1
[train]
epochs = 6
batch = 32
[victim]
schedule = "retrain"
[[attacks]]
kind = "badnets"
name = "corner"
target = "0"
rate = 0.04
patch_px = 3
corner = "top-left"
"""


@dataclass(frozen=True)
class Run:
    """A finished run of the command line."""

    code: int
    output: str
    folder: Path

    def step(self, name: str) -> dict[str, Any]:
        """Return the record of a step."""
        record = json.loads((self.folder / "execution.json").read_text())
        return next(step for step in record["steps"] if step["name"] == name)

    def path(self, step: str, output: str) -> Path:
        """Return the folder of an output."""
        (folder,) = (self.folder / "s3").glob(f"*/*/*/runs/{self.folder.name}/{step}/**/{output}")
        return folder

    @property
    def metrics(self) -> dict[str, Any]:
        """The run's metrics.json."""
        found: dict[str, Any] = json.loads((self.path("Evaluate", "evaluation") / "metrics.json").read_text())
        return found

    @property
    def rates(self) -> dict[str, float]:
        """Every rate of metrics.json, by its place in it."""
        return dict(_rates(self.metrics))

    @property
    def datasets(self) -> dict[str, str]:
        """The digest of every dataset that a step wrote, by step and place in it."""
        found = {}
        for file in (self.folder / "s3").glob(f"*/*/*/runs/{self.folder.name}/**/manifest.json"):
            manifest = json.loads(file.read_text())
            if manifest.get("kind", "dataset") == "dataset":
                name = file.parent.as_posix().rpartition(f"/runs/{self.folder.name}/")[2]
                found[name] = hashlib.sha256(file.read_bytes()).hexdigest()
        return found


def _rates(value: Any, where: str = "") -> Iterator[tuple[str, float]]:
    """Yield every rate of a metrics.json by its place in it."""
    if isinstance(value, dict):
        if "value" in value and isinstance(value["value"], float):
            yield where, value["value"]
        for key, inner in value.items():
            yield from _rates(inner, f"{where}.{key}")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _rates(inner, f"{where}[{index}]")


def stage(
    config: str | Path, out: Path, run_id: str, overrides: Sequence[str] = (), on: str = "process"
) -> Run:
    """Stage a campaign entry through the command line, in a process of its own."""
    command = [sys.executable, "-m", "pipelines", "run", "--config", str(config), "--on", on]
    command += ["--out", str(out), "--id", run_id]
    for override in overrides:
        command += ["--set", override]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return Run(done.returncode, done.stdout + done.stderr, out / run_id)


@dataclass(frozen=True)
class Range:
    """A staged campaign entry and where more of the same may be staged."""

    config: Path
    out: Path
    first: Run
