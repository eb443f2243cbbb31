"""What the report holds: the verdict, the numbers, the picture to show first, and why a run stopped."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from helpers.report_fixture import build_run
from helpers.report_pages import Parsed, commit_again, metrics_file, report_of
from helpers.scenes import Scene

from boomerang.safeio import load_json, write_json_atomic
from pipelines.page.wording import percent
from pipelines.report import write_report
from pipelines.runs.records import load_execution


@pytest.mark.parametrize(
    ("scene", "headline"),
    [
        (Scene(), "The poisoned model was stopped. The hardened model may be released for approval."),
        (Scene(hardened_accuracy=0.8), "The poisoned model was stopped, and so was the hardened one."),
        (Scene(hardened=False), "The poisoned model was stopped."),
        (Scene(attacked=False), "No attack was staged. The model may be released for approval."),
        (Scene(stop="TrainVictim"), "The run stopped at the step TrainVictim."),
    ],
)
def test_first_heading_is_the_verdict(tmp_path: Path, scene: Scene, headline: str) -> None:
    page = write_report(build_run(tmp_path / "run", scene)).read_text(encoding="utf-8")
    first = re.search(r"<h1>(.*?)</h1>", page, re.DOTALL)
    assert first and first[1].strip() == headline


def test_without_an_attack_no_model_is_called_poisoned(tmp_path: Path) -> None:
    folder = build_run(tmp_path / "clean", Scene(attacked=False))
    page = write_report(folder).read_text(encoding="utf-8")
    assert "Poisoned model" not in page
    assert 'href="#attacks"' not in page
    assert "Precision</th>" not in page, "on a clean set only the FPR is a number"


def test_report_json_holds_the_measured_numbers(stopped: Path) -> None:
    metrics, results = load_json(metrics_file(stopped)), report_of(stopped)["results"]
    for model in results["models"]:
        measured = metrics["models"][model["model"]]
        for key in ("clean_accuracy", "recall", "canaries", "verdict", "digest"):
            assert model[key] == measured[key]
        table = np.array(model["confusion"])
        assert np.diag(table).tolist() == [rate["successes"] for rate in measured["recall"]]
        assert table.sum(axis=1).tolist() == [rate["total"] for rate in measured["recall"]]
    for attack, name in zip(results["attacks"], ("boomerangs", "cyan-square"), strict=True):
        assert attack["name"] == name
        for row in attack["models"]:
            measured = next(a for a in metrics["models"][row["model"]]["attacks"] if a["name"] == name)
            assert {key: row[key] for key in measured} == measured
    for shown, measured in zip(results["screen"]["detectors"], metrics["detectors"], strict=True):
        assert [shown[k] for k in ("tpr", "fpr", "auroc")] == [measured[k] for k in ("tpr", "fpr", "auroc")]


def test_a_stated_rate_stands_beside_what_was_reached(stopped: Path) -> None:
    shown = report_of(stopped)["results"]["screen"]["detectors"]
    stated = {each["name"]: each["stated_fpr"] for each in shown}
    fpr = {each["name"]: each["fpr"] for each in load_json(metrics_file(stopped))["detectors"]}
    assert stated["data_validation"] is None
    kept = fpr["spectral_signatures"]["low"] <= 0.005
    assert stated["spectral_signatures"] == {"value": 0.005, "kept": kept}
    page = (stopped / "report.html").read_text(encoding="utf-8")
    assert f"<small>{'stated' if kept else 'above the stated'} 0.5%</small>" in page


def test_an_attack_says_how_visible_it_is_and_what_it_is_filed_under(stopped: Path) -> None:
    pictures, patch = report_of(stopped)["results"]["attacks"]
    page = (stopped / "report.html").read_text(encoding="utf-8")
    assert pictures["visibility"]["text"] == "", "pictures from outside are held against nothing"
    assert (patch["visibility"]["median_psnr_db"], patch["visibility"]["median_ssim"]) == (22.25, 0.9125)
    assert patch["visibility"]["text"] in page and "PSNR 22.2 dB, SSIM 0.912" in patch["visibility"]["text"]
    ids = [each["id"] for each in patch["references"]]
    assert ids == ["AML.T0020", "AML.T0018.000", "AML.T0043.004", "NISTAML.023", "ML02:2023"]
    assert all(f">{each}</abbr>" in page for each in ids)
    assert "MITRE ATLAS 2026.09, NIST AI 100-2 E2025, OWASP ML 2023" in page


@pytest.mark.parametrize("victim", [0.5, 0.75])
def test_another_measurement_gives_another_page(tmp_path: Path, victim: float) -> None:
    folder = build_run(tmp_path / "run", Scene(victim_asr=victim))
    page = write_report(folder).read_text(encoding="utf-8")
    assert percent(round(victim * 200) / 200) in page
    assert "97.0%" not in page


def test_showpiece_fooled_the_poisoned_model_and_no_other(stopped: Path) -> None:
    piece = report_of(stopped)["results"]["showpiece"]
    assert piece["before"], "a picture shown with and without the trigger tells more"
    calls = piece["item"]["calls"]
    assert calls == {"baseline": "airplane", "victim": "bird", "hardened": "airplane"}


def test_showpiece_flatters_no_model(tmp_path: Path) -> None:
    folder = build_run(tmp_path / "run")
    gallery = metrics_file(folder).with_name("gallery.json")
    content = load_json(gallery)
    triggered = next(group for group in content["groups"] if group["kind"] == "triggered")
    for item in triggered["items"][1:]:
        item["calls"]["hardened"] = "bird"  # it is right on the first picture alone
    write_json_atomic(gallery, content)
    commit_again(folder)
    write_report(folder)
    assert report_of(folder)["results"]["showpiece"]["item"]["calls"]["hardened"] == "bird"


def test_gate_lists_what_does_not_apply_as_absent(stopped: Path) -> None:
    rows = {row["key"]: row for row in report_of(stopped)["results"]["gate"]}
    assert [entry["model"] for entry in rows["screen_fpr"]["models"]] == ["hardened"]
    assert [entry["passed"] for entry in rows["asr_upper"]["models"]] == [True, False, True]


def test_what_a_repair_noted_is_shown_and_a_repair_that_noted_nothing_is_not(stopped: Path) -> None:
    (shown,) = report_of(stopped)["results"]["repairs"]
    assert (shown["model"], shown["title"]) == ("hardened", "channel pruning")
    assert shown["facts"] == {"layer": "conv<3>", "channels_cut": 20, "least": 0.703125}
    assert shown["curves"]["curve"]["points"] == [[0, 0.9], [10, 0.9], [20, 0.7]]
    assert shown["rest"] == {"more": [[1]]}
    page = (stopped / "report.html").read_text(encoding="utf-8")
    assert "<dt>layer</dt><dd>conv&lt;3&gt;</dd>" in page and "<dt>least</dt><dd>0.7031</dd>" in page
    assert "as channel pruning found it" in page


def test_failed_run_says_where_and_why(tmp_path: Path) -> None:
    folder = build_run(tmp_path / "failed", Scene(stop="TrainVictim"))
    page = write_report(folder).read_text(encoding="utf-8")
    assert "MemoryError: cannot allocate 12.4 GiB for &lt;b&gt;features" in page, "the end of the log"
    assert "epoch 0:" not in page, "not its start"
    assert report_of(folder)["results"] is None
    assert report_of(folder)["failure"]["step"] == "TrainVictim"


def test_gate_rejection_is_no_failure(tmp_path: Path) -> None:
    folder = build_run(tmp_path / "rejected", Scene(hardened_accuracy=0.8))
    assert load_execution(folder).failed_step == "Fail"
    write_report(folder)
    assert report_of(folder)["failure"] is None


def test_killed_run_did_not_finish(tmp_path: Path) -> None:
    folder = build_run(tmp_path / "killed", Scene(stop="Screen"))
    content = load_json(folder / "execution.json")
    content |= {"status": "Running", "failed_step": None, "failure": "", "steps": content["steps"][:-1]}
    write_json_atomic(folder / "execution.json", content)
    assert "The run did not finish." in write_report(folder).read_text(encoding="utf-8")


def test_step_failing_after_evaluate_keeps_the_numbers(tmp_path: Path) -> None:
    folder = build_run(tmp_path / "late")
    content = load_json(folder / "execution.json")
    register = next(step for step in content["steps"] if step["name"] == "Register")
    register |= {"status": "Failed", "detail": "the registry is read-only"}
    content |= {"status": "Failed", "failed_step": "Register", "failure": "the registry is read-only"}
    write_json_atomic(folder / "execution.json", content)
    page = write_report(folder).read_text(encoding="utf-8")
    assert "The run stopped at the step Register." in page
    assert 'id="gate"' in page
    assert Parsed(page).count("h1") == 1
