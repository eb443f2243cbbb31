"""A data set that nothing can be learned from: the gate rejects the model, and so does everybody after it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from helpers.ranges import ROOT

from pipelines.registry.local import Registry

ENTRY = """
name = "coins"
[data]
source = "npz"
path = "{path}"
validation = 40
[train]
epochs = 1
"""


def command(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pipelines", *words], cwd=ROOT, capture_output=True, text=True, check=False
    )


@pytest.mark.whole
def test_a_model_that_learned_nothing_gets_nowhere(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 256, (540, 16, 16, 3)).astype(np.uint8), rng.integers(0, 2, 540)
    np.savez(tmp_path / "coins.npz", x_train=x[:400], y_train=y[:400], x_test=x[400:], y_test=y[400:])
    (tmp_path / "coins.toml").write_text(ENTRY.format(path=tmp_path / "coins.npz"))
    out = ["--out", str(tmp_path / "runs")]

    run = command("run", "--config", str(tmp_path / "coins.toml"), "--id", "one", *out)
    assert run.returncode == 1, run.stderr
    assert "errors against always giving the most common class" in run.stdout
    assert "to do: train longer" in run.stdout

    registry = Registry(tmp_path / "runs" / "registry")
    (package,) = [p for group in registry.groups() for p in registry.list_packages(group)]
    assert package.status == "Rejected"
    said = json.loads((package.folder / "metrics.json").read_text())
    assert said["gate"]["failed_checks"] >= 1 and said["reasons"]

    refused = command("approve", package.name, "--by", "ada", *out)
    assert refused.returncode == 2 and "the gate rejected it" in refused.stderr

    override = ["--override", "--reason", "to see its canary"]
    assert command("approve", package.name, "--by", "ada", *override, *out).returncode == 0
    canary = command("canary", "--group", package.group, *out)
    assert canary.returncode == 2 and "canary records" in canary.stderr
