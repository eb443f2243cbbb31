"""`compare` as a person uses it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from helpers.drawn_matrix import two_campaigns
from helpers.ranges import ROOT
from helpers.report_fixture import build_run
from helpers.scenes import Scene

from pipelines.cli.main import main
from pipelines.runners.verify import verify


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three runs and two campaigns; no test changes them."""
    folder = tmp_path_factory.mktemp("runs")
    build_run(folder / "first", Scene(hardened_asr=0.4))
    build_run(folder / "second")
    build_run(folder / "stopped", Scene(stop="Screen"))
    two_campaigns(folder)
    return folder


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        ("first", "second", "The gate passes second and rejects first."),
        ("second", "stopped", "stopped stopped at Screen: there is no number to compare."),
        ("monday", "friday", "1 of 6 numbers can be told apart."),
    ],
)
def test_whatever_differs_it_ends_with_0_and_says_where_the_page_lies(
    runs: Path, capsys: pytest.CaptureFixture[str], first: str, second: str, said: str
) -> None:
    page = runs / "comparison.html"
    page.unlink(missing_ok=True)
    assert main(["compare", str(runs / first), str(runs / second)]) == 0
    told = capsys.readouterr()
    assert told.err == "" and said in told.out
    assert told.out.endswith(f"comparison: {page}\n")
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_a_process_writes_the_page_where_it_is_told_to_and_nothing_else(runs: Path, tmp_path: Path) -> None:
    before = {file: file.read_bytes() for file in runs.rglob("*") if file.is_file()}
    command = [sys.executable, "-m", "pipelines", "compare", runs / "first", runs / "second"]
    command += ["--page", tmp_path / "new" / "page.html"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "\x1b" not in done.stdout and max(map(len, done.stdout.splitlines())) <= 160
    assert [file.name for file in tmp_path.rglob("*.*")] == ["page.html"]
    assert {file: file.read_bytes() for file in runs.rglob("*") if file.is_file()} == before


def test_comparing_loads_nothing_that_takes_seconds(runs: Path, tmp_path: Path) -> None:
    heavy = ("tensorflow", "keras", "sagemaker", "sklearn", "art", "matplotlib", "scipy", "boto3")
    program = (
        "import sys; from pipelines.cli.main import main; main(sys.argv[1:]); "
        f"print(*sorted(set({heavy!r}) & set(sys.modules)), file=sys.stderr)"
    )
    words = ["compare", runs / "first", runs / "second", "--page", tmp_path / "page.html"]
    done = subprocess.run(
        [sys.executable, "-c", program, *words], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stderr == "\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["first"], "the following arguments are required: RUN"),
        (["first", "nowhere"], "nowhere: there is no such folder"),
        (["first", "first"], "it is the same run as the first"),
        (["first", "friday"], "only two of a kind can be held against each other"),
        (["first", "."], "it is neither a run's folder nor a campaign's"),
        (["first", "second", "--page", "."], "it is a folder"),
        (["first", "second", "--page", "second/x.html"], "its record names every file of it"),
        (["first", "second", "--page", "second/execution.json/x.html"], ""),
    ],
)
def test_a_mistake_is_one_message_and_exit_code_2(
    runs: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    said: str,
) -> None:
    monkeypatch.chdir(runs)
    before = sorted(runs.rglob("*"))
    assert main(["compare", *words]) == 2
    told = capsys.readouterr()
    assert told.out == "" and told.err.startswith("error: ") and said in told.err
    assert sorted(runs.rglob("*")) == before


def test_what_is_not_as_it_was_recorded_ends_with_4(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = build_run(tmp_path / "first"), build_run(tmp_path / "second")
    (second / "config.json").write_text("{}")
    assert main(["compare", str(first), str(second)]) == 4
    assert "config.json: has been changed" in capsys.readouterr().err
    assert not (tmp_path / "comparison.html").exists()


def test_runs_of_an_own_pipeline_verify_as_before(tmp_path: Path) -> None:
    """The page beside the runs is no file of a run."""
    from helpers.toy_runs import runner

    for name in ("first", "second"):
        runner(tmp_path)(run_id=name, config={"seed": len(name)})
    runs = tmp_path / "runs"
    assert main(["compare", str(runs / "first"), str(runs / "second")]) == 0
    assert (runs / "comparison.html").is_file() and verify(runs) == []
