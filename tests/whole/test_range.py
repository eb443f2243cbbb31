"""The whole range, end to end, in real processes on real (if small) data: scikit-learn's digits.

Every number is counted again here from the files that the run left, by other code than the run's.
"""

from __future__ import annotations

import re
import resource
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest
from helpers.ranges import ROOT, Range, Run, stage
from helpers.recomputed import flat, recompute, reported

from boomerang.formats.predictions import open_predictions
from boomerang.manifest import opened, read_manifest, verify_folder


def calls(run: Run, step: str, x: np.ndarray, scratch: Path) -> np.ndarray:
    import keras

    (archive,) = run.folder.glob(f"s3/**/{step}/**/model.tar.gz")
    with tarfile.open(archive) as tar:
        tar.extractall(scratch / step, filter="data")
    model = keras.models.load_model(scratch / step / "model.keras")
    return model.predict(x, verbose=0).argmax(axis=1)


def test_the_gate_stops_the_victim_and_the_run_says_so(digits_range: Range) -> None:
    run = digits_range.first
    assert run.code in (0, 1), run.output
    models = run.metrics["models"]
    assert list(models) and models["baseline"]["clean_accuracy"]["value"] > 0.9
    assert models["victim"]["attacks"][0]["asr"]["value"] > 0.9
    assert models["baseline"]["attacks"][0]["asr"]["value"] < 0.1
    assert not models["victim"]["verdict"]["passed"]
    assert (run.code == 0) == models["hardened"]["verdict"]["passed"]
    assert (run.folder / "report.html").stat().st_size > 10_000
    assert "report.html" in run.output.replace("\n", "")


@pytest.mark.parametrize(("model", "step"), [("baseline", "TrainBaseline"), ("victim", "TrainVictim")])
def test_the_reported_rates_are_those_of_the_saved_models(
    digits_range: Range, tmp_path: Path, model: str, step: str
) -> None:
    run = digits_range.first
    test = opened(run.path("Preprocess", "test"))
    x, y = np.array(test.x), np.array(test.y)
    numbers = run.metrics["models"][model]
    assert numbers["clean_accuracy"]["successes"] == int((calls(run, step, x, tmp_path) == y).sum())
    stamped = x[y != 0]
    stamped[:, :3, :3] = 255
    answers = calls(run, step, stamped, tmp_path / "stamped")
    attack = numbers["attacks"][0]
    assert attack["asr"]["total"] == int((y != 0).sum()), "the target class does not count"
    assert attack["asr"]["successes"] == int((answers == 0).sum())
    assert attack["ra"]["successes"] == int((answers == y[y != 0]).sum())
    assert sum(rate["successes"] for rate in numbers["recall"]) == numbers["clean_accuracy"]["successes"]


def test_the_rates_are_those_of_the_predictions_that_were_left(digits_range: Range) -> None:
    evaluation = digits_range.first.path("Evaluate", "evaluation")
    assert flat(recompute(evaluation)) == pytest.approx(flat(reported(evaluation)))
    left = open_predictions(evaluation)
    assert left.models == ("baseline", "victim", "hardened")
    (corner,) = left.attacks
    assert (corner.name, corner.outcome, corner.target) == ("corner", "backdoor", 0)
    assert np.array_equal(left.test.y, opened(digits_range.first.path("Preprocess", "test")).y)
    assert sum(file.stat().st_size for file in (evaluation / "predictions").iterdir()) < 40_000


def test_the_splits_share_no_row_and_the_trusted_rows_stay_clean(digits_range: Range) -> None:
    run = digits_range.first
    names = ("train", "validation", "test", "canary")
    parts = {name: opened(run.path("Preprocess", name)).x for name in names}
    rows = {name: {row.tobytes() for row in x} for name, x in parts.items()}
    for i, one in enumerate(names):
        for other in names[i + 1 :]:
            assert not rows[one] & rows[other], (one, other)
    poisoned = opened(run.path("Poison", "train")).x
    assert not {row.tobytes() for row in poisoned} & rows["canary"]


def test_the_truth_is_the_difference_between_the_training_sets(digits_range: Range) -> None:
    run = digits_range.first
    clean, poisoned = (opened(run.path(step, "train")) for step in ("Preprocess", "Poison"))
    truth = run.path("Poison", "secret") / "truth"
    attack_of, origin = np.load(truth / "attack_of.npy"), np.load(truth / "origin.npy")
    x, y = np.array(poisoned.x), np.array(poisoned.y)
    changed = (x != clean.x[origin]).any(axis=(1, 2, 3)) | (y != clean.y[origin])
    assert np.array_equal(changed, attack_of > 0)
    assert changed.sum() == round(0.04 * len(clean)) and (y[changed] == 0).all()


def test_the_screen_never_saw_the_truth_and_the_hardened_model_never_saw_the_flagged_rows(
    digits_range: Range,
) -> None:
    run = digits_range.first
    for step in ("TrainBaseline", "TrainVictim", "Screen", "Harden"):
        assert not {"secret", "heldout"} & set(run.step(step)["inputs"]), step
    keep = np.load(run.path("Screen", "screen") / "keep.npy")
    assert f"training on {keep.sum()} of {len(keep)} rows" in (run.folder / "logs/Harden.log").read_text()


def test_the_detectors_rates_are_those_of_the_flags(digits_range: Range) -> None:
    run = digits_range.first
    attack_of = np.load(run.path("Poison", "secret") / "truth" / "attack_of.npy")
    flagged = np.load(run.path("Screen", "screen") / "flagged.npy")
    for row, numbers in zip(flagged, run.metrics["detectors"], strict=True):
        assert numbers["tpr"]["successes"] == int(row[attack_of > 0].sum())
        assert numbers["fpr"]["successes"] == int(row[attack_of == 0].sum())
    together = run.metrics["screen"]
    assert together["flagged"] == int(flagged.any(axis=0).sum())


def test_the_canaries_are_frozen_and_hashed(digits_range: Range) -> None:
    run = digits_range.first
    folder = run.path("Evaluate", "evaluation")
    verify_folder(folder)
    frozen = opened(folder / "canaries")
    assert read_manifest(folder / "canaries").digest == run.metrics["canaries"]["digest"]
    # Few are: a shift by a pixel is a lot for a digit of eight.
    assert 1 <= len(frozen) <= 50 and run.metrics["models"]["baseline"]["canaries"]["right"]["value"] == 1
    candidates = opened(run.path("Preprocess", "canary"))
    ids = frozen.manifest.recipe["ids"]
    for row, identifier in enumerate(ids):
        assert np.array_equal(frozen.x[row], candidates.x[int(identifier.split("/")[1])])


def test_the_package_says_where_the_model_comes_from(digits_range: Range) -> None:
    run = digits_range.first
    texts = [path.read_text() for path in digits_range.out.glob("registry/*/*/package.json")]
    (package,) = [text for text in texts if '"first"' in text]
    for step in ("Preprocess", "Poison", "TrainVictim", "Screen", "Harden"):
        for output in run.step(step)["outputs"].values():
            assert output["digest"] in package, step
    code = subprocess.run(
        [sys.executable, "-m", "pipelines", "verify", str(run.folder)],
        cwd=ROOT,
        capture_output=True,
        check=False,
    ).returncode
    assert code == 0


def test_again_with_nothing_changed_everything_comes_from_the_cache(own_range: Range) -> None:
    before = spent_in_children()
    again = stage(own_range.config, own_range.out, "again")
    took = spent_in_children() - before
    assert again.code == own_range.first.code and again.metrics == own_range.first.metrics
    jobs = ("Preprocess", "TrainBaseline", "Poison", "TrainVictim", "Screen", "Harden", "Evaluate")
    assert all(again.step(name)["cached"] for name in jobs)
    assert again.output.count(" cached") == len(jobs)
    assert took < 15, f"the cached run took {took:.1f} s of a core"


def spent_in_children() -> float:
    """Seconds of a core, which a busy machine does not stretch."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


@pytest.mark.whole
def test_another_attack_reuses_the_baseline(own_range: Range) -> None:
    flip = '[{kind="label_flip_targeted", source="1", target="7", rate=0.3, of="class"}]'
    other = stage(own_range.config, own_range.out, "other", [f"attacks={flip}", "victim.schedule=finetune"])
    assert other.code in (0, 1), other.output
    assert {n for n in ("Preprocess", "TrainBaseline", "Poison") if other.step(n)["cached"]} == {
        "Preprocess",
        "TrainBaseline",
    }
    assert other.metrics["data"]["poisoned"] == {"label_flip_targeted": pytest.approx(36, abs=6)}
    assert other.metrics["models"]["victim"]["attacks"][0]["turned"]["total"] > 0


@pytest.mark.whole
def test_a_clean_control_has_a_false_positive_rate_only_and_passes(own_range: Range) -> None:
    """Without an attack and without a defense the candidate is a model trained like the baseline."""
    # Of most digits no record is clear to so small a model; that is another test's.
    changes = ["attacks=[]", "harden=[]", "gate.max_uncovered_classes=10"]
    clean = stage(own_range.config, own_range.out, "clean", changes)
    assert clean.code == 0, clean.output
    metrics = clean.metrics
    assert set(metrics["models"]) == {"baseline", "victim"} and metrics["data"]["poisoned"] == {}
    assert metrics["screen"]["tpr"]["value"] is None and metrics["screen"]["fpr"]["total"] > 1000
    baseline, victim = (metrics["models"][name] for name in ("baseline", "victim"))
    assert baseline["clean_accuracy"] == victim["clean_accuracy"] or victim["accuracy_drop"] <= 0.02


def test_a_mistyped_setting_is_an_error_and_no_run(digits_range: Range, tmp_path: Path) -> None:
    wrong = stage(digits_range.config, tmp_path, "wrong", ["attacks.0.rat=1"])
    assert wrong.code == 2 and "did you mean 'rate'?" in wrong.output
    assert "Traceback" not in wrong.output and not wrong.folder.exists()
    bad_class = stage(digits_range.config, tmp_path, "class", ["attacks.0.target=zero"])
    assert bad_class.code == 2 and re.search("zero", bad_class.output) and "Traceback" not in bad_class.output
