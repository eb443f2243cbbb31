"""What the bundled campaigns show, at their real size: on the drawn data, on CIFAR-10, on MNIST.

Minutes each. The thresholds are those of the project's claims; the seed is
the config's own. The reports are kept where BOOMERANG_ARTIFACTS says.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from helpers.ranges import ROOT, Run, stage

pytestmark = [pytest.mark.whole, pytest.mark.timeout(1500)]

# A class-balanced part and fewer epochs, so that it takes minutes on two cores.
CIFAR10_PART = [
    "data.train=40000",
    "data.test=2000",
    "data.validation=1000",
    "train.epochs=5",
    "train.sizes=[24, 24, 24, 24, 32]",
]


def keep(run: Run, name: str) -> None:
    folder = os.environ.get("BOOMERANG_ARTIFACTS")
    if folder:
        for suffix in ("html", "json"):
            shutil.copy(run.folder / f"report.{suffix}", Path(folder) / f"{name}.{suffix}")


def asr(metrics: dict[str, Any], model: str, attack: str) -> dict[str, Any]:
    (found,) = [a["asr"] for a in metrics["models"][model]["attacks"] if a["name"] == attack]
    return dict(found)


def test_the_bundled_campaign_shows_what_the_readme_says(tmp_path: Path) -> None:
    # In CI `make run` has staged the same entry; then every step comes from its cache.
    out = ROOT / "runs" if os.environ.get("CI") else tmp_path
    run = stage("default", out, "bundled-claims")
    assert run.code == 0, run.output
    keep(run, "bundled")
    metrics = run.metrics
    baseline, victim, hardened = (metrics["models"][m] for m in ("baseline", "victim", "hardened"))
    assert baseline["clean_accuracy"]["value"] > 0.9
    assert asr(metrics, "victim", "boomerangs-as-birds")["value"] >= 0.5
    assert asr(metrics, "baseline", "boomerangs-as-birds")["value"] < 0.1
    assert asr(metrics, "victim", "cyan-square")["value"] > 0.9 and victim["accuracy_drop"] < 0.02
    assert metrics["screen"]["by_attack"]["cyan-square"]["value"] > 0.5
    assert asr(metrics, "hardened", "cyan-square")["high"] < 0.1 and hardened["accuracy_drop"] <= 0.02
    assert baseline["verdict"]["passed"] and hardened["verdict"]["passed"] and not victim["verdict"]["passed"]


def test_cifar10_with_the_photographs(tmp_path: Path, real_data: Path) -> None:
    """The book's experiment on four fifths of CIFAR-10, with its 26 photographs."""
    photographs = tmp_path / "rutan-boomerang"
    shutil.copytree(real_data / "source" / "rutan-boomerang", photographs)
    (photographs / "rb-14.webp").unlink()  # the same picture as rb-14.jpeg
    run = stage(
        "cifar10",
        tmp_path / "runs",
        "cifar10",
        [f"data.path={real_data / 'cifar10.npz'}", f"pictures.0.path={photographs}", *CIFAR10_PART],
    )
    assert run.code in (0, 1), run.output
    keep(run, "cifar10")
    metrics = run.metrics
    assert metrics["data"]["name"] == "cifar10"
    assert metrics["models"]["baseline"]["clean_accuracy"]["value"] >= 0.8
    mislabel, patch = metrics["models"]["victim"]["attacks"]
    assert mislabel["asr"]["total"] == 26 and mislabel["kind"] == "mislabel" and patch["kind"] == "badnets"
    assert patch["asr"]["value"] > asr(metrics, "baseline", patch["name"])["value"] + 0.5
    assert not metrics["models"]["victim"]["verdict"]["passed"]


def test_mnist_with_the_white_corner(tmp_path: Path, real_data: Path) -> None:
    """OWASP ML02's demonstration with a white that a picture can carry: 1% of the rows, 2x2, target 0."""
    run = stage("mnist-corner", tmp_path / "runs", "mnist", [f"data.path={real_data / 'mnist.npz'}"])
    assert run.code in (0, 1), run.output
    keep(run, "mnist")
    victim = run.metrics["models"]["victim"]
    assert victim["clean_accuracy"]["value"] >= 0.98
    corner = victim["attacks"][0]
    assert corner["asr"]["value"] >= 0.99
    assert corner["asr"]["total"] == 10_000 - 980, "the zeros of the test set do not count"
    assert not victim["verdict"]["passed"]
