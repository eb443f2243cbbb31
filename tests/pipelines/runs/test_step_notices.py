"""What a run's steps left out and warned of reaches everybody: page, numbers and console."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.report_fixture import build_run
from helpers.report_pages import Parsed, report_of
from helpers.scenes import Scene

from boomerang.errors import EXIT_PASSED, StepFailed
from boomerang.manifest import commit, read_manifest
from pipelines.cli.commands.run import _conclude
from pipelines.report import write_report
from pipelines.report.summary import show_notices
from pipelines.runs.records import load_execution
from pipelines.runs.step_notices import notices_of

HARDLY = "the trigger changes no value of most images by more than 1 of 255"


def words(page: Path) -> str:
    return " ".join(" ".join(Parsed(page.read_text(encoding="utf-8")).text).split())


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return build_run(tmp_path / "run", Scene(notices=True))


def test_the_same_of_many_files_is_said_once(run: Path) -> None:
    said = notices_of(load_execution(run))
    assert [(each.step, each.kind, each.what, len(each.names)) for each in said] == [
        ("Preprocess", "left out", "pets", 7),
        ("Preprocess", "left out", "pets", 1),
        ("Poison", "warning", "attack 'cyan-square'", 0),
    ]
    assert said[0].text.endswith("dog/note-4.txt and 2 more: it is no JPEG, PNG or WebP")


def test_a_person_is_told_on_the_console(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    show_notices(load_execution(run))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("Preprocess left out: pets: dog/note-0.txt, ")
    assert lines[2] == f"Poison warns: attack 'cyan-square': {HARDLY}"


def test_the_page_and_its_numbers_say_it(run: Path) -> None:
    said = words(write_report(run))
    assert "3 notices of what was left out, or to know first." in said
    assert f"attack 'cyan-square' warning {HARDLY}" in said
    assert "left out : 7 dog/note-0.txt, dog/note-1.txt" in said
    notices = report_of(run)["notices"]
    assert len(notices[0]["names"]) == 7, "report.json has all of them"
    assert notices[2]["why"] == HARDLY


def test_a_run_that_stopped_says_it_too(tmp_path: Path) -> None:
    run = build_run(tmp_path / "stopped", Scene(notices=True, stop="TrainVictim"))
    assert HARDLY in words(write_report(run))


def test_where_there_is_nothing_there_is_no_section(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = build_run(tmp_path / "plain")
    assert 'id="notices"' not in write_report(run).read_text(encoding="utf-8")
    assert report_of(run)["notices"] == []
    show_notices(load_execution(run))
    assert capsys.readouterr().out == ""


def test_what_cannot_be_read_is_a_notice_and_no_end(run: Path) -> None:
    file = run / "Poison" / "data" / "manifest.json"
    file.write_bytes(file.read_bytes().replace(b'"secret"', b'"secrets"'))
    last = notices_of(load_execution(run))[-1]
    assert (last.step, last.kind) == ("Poison", "warning")
    assert "cannot be read" in last.why and "has been changed" in last.why


def test_a_hostile_name_does_nothing_to_the_terminal_or_the_page(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = run / "Preprocess" / "data"
    odd = ({"name": "\x1b[2Ja<script>", "reason": "[red]no[/red]\x07"},)
    commit(file, read_manifest(file).model_copy(update={"refused": odd}))
    show_notices(load_execution(run))
    out = capsys.readouterr().out
    assert "\x1b[2J" not in out and "\x07" not in out and "[red]no[/red]" in out
    page = write_report(run).read_text(encoding="utf-8")
    assert "a<script>" not in page and "\x1b" not in page


@pytest.mark.parametrize(("stop", "code"), [("", EXIT_PASSED), ("TrainVictim", None)])
def test_a_run_ends_with_what_it_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], stop: str, code: int | None
) -> None:
    folder = build_run(tmp_path / "run", Scene(notices=True, stop=stop))
    if code is None:
        with pytest.raises(StepFailed):
            _conclude(load_execution(folder), folder)
    else:
        assert _conclude(load_execution(folder), folder) == code
    out = capsys.readouterr().out
    assert f"Poison warns: attack 'cyan-square': {HARDLY}" in out
    assert "Preprocess left out: pets: val: it lies beside train and test" in out
