"""Controls end to end, in real processes: what they keep, what comes of it, and that none passes for more."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from helpers.ranges import ROOT, Range, Run, stage

# Limits that pass whatever was measured.
WIDE = (
    *("gate.max_uncovered_classes=10", "gate.max_screen_fpr=1", "gate.max_accuracy_drop=1"),
    *("gate.max_asr_upper=1", "gate.max_robust_drop=1"),
)


def of_poison(run: Run) -> tuple[np.ndarray, np.ndarray]:
    """Which rows are poisoned, and which were kept."""
    attack_of = np.load(run.path("Poison", "secret") / "truth" / "attack_of.npy")
    return attack_of > 0, np.load(run.path("Screen", "screen") / "keep.npy")


@pytest.fixture(scope="module")
def perfect(own_range: Range) -> Run:
    return stage(own_range.config, own_range.out, "perfect", ["screen.control=perfect", *WIDE])


def test_a_perfect_filter_keeps_no_poison_and_its_model_is_as_the_clean_one(
    own_range: Range, perfect: Run
) -> None:
    poisoned, keep = of_poison(perfect)
    assert poisoned.any() and np.array_equal(keep, ~poisoned)
    models = perfect.metrics["models"]
    asr = {name: model["attacks"][0]["asr"] for name, model in models.items()}
    assert asr["victim"]["value"] > 0.9
    assert asr["hardened"]["low"] <= asr["baseline"]["high"]
    first = ("Preprocess", "TrainBaseline", "Poison", "TrainVictim", "Screen")
    assert [name for name in first if not perfect.step(name)["cached"]] == ["Screen"]


def test_a_control_run_says_what_it_is_and_its_model_is_rejected_under_any_limit(
    perfect: Run,
) -> None:
    assert perfect.code == 1, perfect.output
    said = " ".join(perfect.output.split())
    assert "Screen warns: perfect filter (control):" in said
    assert "a control that knows the truth took them out, and no defense" in said
    checks = perfect.metrics["models"]["hardened"]["verdict"]["checks"]
    assert [check["key"] for check in checks if not check["passed"]] == ["screen_fpr"]
    report = json.loads((perfect.folder / "report.json").read_text())
    assert report["results"]["outcome"]["headline"].startswith("A control run: the perfect filter")
    assert report["results"]["screen"]["control"] is True
    assert "This is a control and no defense" in (perfect.folder / "report.html").read_text()


def test_the_package_of_a_control_is_rejected_and_not_approved(own_range: Range, perfect: Run) -> None:
    packages = [file.parent for file in own_range.out.glob("registry/*/*/package.json")]
    (package,) = [folder for folder in packages if '"perfect"' in (folder / "package.json").read_text()]
    (status,) = json.loads((package / "status.json").read_text())
    assert status["status"] == "Rejected"
    command = [sys.executable, "-m", "pipelines", "approve", f"{package.parent.name}/{package.name}"]
    done = subprocess.run(
        [*command, "--out", str(own_range.out)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2 and "knows the truth" in " ".join((done.stdout + done.stderr).split())


@pytest.mark.whole
def test_a_random_filter_keeps_its_share_of_the_poison_and_does_not_help(own_range: Range) -> None:
    run = stage(own_range.config, own_range.out, "random", ["screen.control=random"])
    assert run.code == 1, run.output
    poisoned, keep = of_poison(run)
    assert (~keep).sum() == poisoned.sum() > 0
    # Of 48 poisoned among 1,197 rows, 48 rows drawn hit more than 8 once in 10,000 times.
    assert keep[poisoned].sum() >= poisoned.sum() - 8
    assert run.metrics["models"]["hardened"]["attacks"][0]["asr"]["value"] > 0.9


@pytest.mark.whole
def test_without_an_attack_both_keep_everything(own_range: Range, tmp_path: Path) -> None:
    for control in ("random", "perfect"):
        changes = ["attacks=[]", f"screen.control={control}", "train.epochs=1"]
        run = stage(own_range.config, own_range.out, f"clean-{control}", changes)
        poisoned, keep = of_poison(run)
        assert run.code == 1 and not poisoned.any() and keep.all(), run.output
