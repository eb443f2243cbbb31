"""What the page says about the gate: what a number is of, and why one is missing; no check is left out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from helpers.report_fixture import build_run
from helpers.report_pages import Parsed, metrics_file, report_of
from helpers.scenes import Scene

from boomerang.formats.evaluation import read_metrics
from boomerang.gate import GateConfig, judge
from boomerang.scoring import rate
from pipelines.page.gate_table import reasons
from pipelines.report import write_report
from pipelines.report.summary import show_summary


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose poisoned model was stopped, with its report; no test changes it."""
    folder = build_run(tmp_path_factory.mktemp("runs") / "stopped")
    write_report(folder)
    return folder


def words(page: Path) -> str:
    return " ".join(" ".join(Parsed(page.read_text(encoding="utf-8")).text).split())


def checks(folder: Path, model: str = "hardened") -> dict[str, dict[str, Any]]:
    rows = report_of(folder)["results"]["gate"]
    return {row["key"]: entry for row in rows for entry in row["models"] if entry["model"] == model}


def test_the_number_at_the_gate_says_which_attack_it_is_of(stopped: Path) -> None:
    found = checks(stopped)
    assert found["asr_upper"]["of"] == "cyan-square: 4 of 200"
    assert found["turned"]["of"] == "boomerangs: 0 of 26"
    assert found["accuracy_drop"]["of"] == ""


def test_two_ranges_that_differ_say_which_the_gate_takes(stopped: Path) -> None:
    said = words(stopped / "report.html")
    assert "0.0–12.9%" in said and "5.0%" in said, "what would contradict each other"
    assert "At the gate: what turned, 0 of 26, at most 10.0%; not this range." in said
    assert "At the gate: the upper end of this range, at most 10.0%." in said


def test_of_many_attacks_the_one_is_named_that_counts(tmp_path: Path) -> None:
    folder = build_run(tmp_path / "many", Scene(more=4))
    said = words(write_report(folder))
    assert checks(folder)["asr_upper"]["of"] == "cyan-square: 4 of 200, the most of 4"
    assert "It aims at no class: see clean accuracy." in said, "an attack without a rate is on the page"


def test_what_was_not_measured_says_so_and_why_on_every_page(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = build_run(tmp_path / "silent", Scene(unanswered=2))
    page = write_report(folder)
    found, said = checks(folder), words(page)
    for key in ("accuracy_drop", "asr_upper", "robust_drop", "turned", "canary_failures"):
        assert found[key]["value"] is None and not found[key]["passed"]
        assert "no finite number" in found[key]["why"] and found[key]["why"] in said
    assert "2 answers of them were no number" in said
    assert said.count("Attack success, cyan-square not measured") == 1
    assert "Not all that the gate asks could be measured, and what was not measured does not pass." in said
    assert "The defense did not repair enough" not in said, "nobody knows"
    show_summary(metrics_file(folder), page)
    console = " ".join(capsys.readouterr().out.split())
    assert "canaries answered wrong: not measured (2 answers are no finite numbers)" in console
    assert console.count("not measured") > 5 and "1e+09" not in console


def test_what_was_refused_is_measured_and_counted_on_every_page(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = build_run(tmp_path / "refusing", Scene(refused=2))
    page = write_report(folder)
    found, said = checks(folder), words(page)
    assert found["asr_upper"]["value"] is not None and found["accuracy_drop"]["value"] is not None
    assert found["canary_failures"]["value"] == 2, "a canary that is refused is answered wrong"
    assert "2 pictures refused, which count as wrong" in said and "no number" not in said
    assert "2 attacked pictures refused of 200" in said and "; 2 refused" in said
    show_summary(metrics_file(folder), page)
    console = " ".join(capsys.readouterr().out.split())
    assert "clean rows refused" in console and "refused of cyan-square" in console


def test_a_gate_without_a_canary_says_that_none_was_frozen(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = build_run(tmp_path / "none", Scene(canaries=0))
    page = write_report(folder)
    why = "no record was clear enough to be one"
    assert checks(folder)["canary_failures"]["why"] == why
    assert f"canaries answered wrong: not measured ({why})" in words(page)
    show_summary(metrics_file(folder), page)
    assert why in " ".join(capsys.readouterr().out.split())


def test_every_check_of_every_verdict_is_a_row_with_its_words(stopped: Path) -> None:
    said, models = words(stopped / "report.html"), report_of(stopped)["results"]["models"]
    for model in models:
        asked = {check["key"]: check for check in model["verdict"]["checks"]}
        shown = checks(stopped, model["model"])
        assert {key: entry["value"] for key, entry in shown.items()} == {
            k: c["value"] for k, c in asked.items()
        }
        assert all(f"{c['text'][:1].upper()}{c['text'][1:]}" in said for c in asked.values())


def test_a_passed_run_has_no_step_that_rejects(stopped: Path) -> None:
    steps = {step["name"]: step["status"] for step in report_of(stopped)["provenance"]["steps"]}
    assert steps["Fail"] == "Skipped" and steps["RegisterRejected"] == "Skipped"
    assert steps["Gate"] == "Succeeded"
    assert "Rejected" not in steps.values()


def test_a_rejected_run_has_two(tmp_path: Path) -> None:
    folder = build_run(tmp_path / "rejected", Scene(hardened_accuracy=0.8))
    write_report(folder)
    steps = {step["name"]: step["status"] for step in report_of(folder)["provenance"]["steps"]}
    assert steps["Gate"] == steps["Fail"] == "Rejected", "no step that says no is called a success"
    assert steps["Register"] == "Skipped" and steps["RegisterRejected"] == "Succeeded"


def test_what_failed_is_said_beside_what_is_missing(tmp_path: Path) -> None:
    said = words(write_report(build_run(tmp_path / "both", Scene(canaries=0, hardened_accuracy=0.8))))
    assert "The defense did not repair enough." in said and "Not all that the gate asks" in said


def test_a_bound_that_so_few_pictures_cannot_reach_says_so(stopped: Path) -> None:
    model = read_metrics(metrics_file(stopped).parent).models["hardened"]
    few = rate(0, 30)
    attack = model.attacks[1].model_copy(update={"asr": few})
    numbers = {check.key: check.value for check in model.verdict.checks} | {"asr_upper": few.high}
    judged = judge(numbers, GateConfig())
    (said,) = reasons(model.model_copy(update={"attacks": (attack,), "verdict": judged}))
    assert "11.4%, allowed 10.0% (none of 30 worked, and so few leave this much open: test on more" in said
