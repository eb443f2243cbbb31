"""A run held against its record: every file, nothing beside it, nothing outside, and nothing changed."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers.toy_runs import Execute, runner

from boomerang.digest import digest_json
from boomerang.errors import BadInput
from pipelines.cli.main import main
from pipelines.runners.process.explain import explain_cache
from pipelines.runners.verify import verify
from pipelines.runs.held import hold_run
from pipelines.runs.records import Execution, load_execution


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Execution:
    """A toy run with its config and a report."""
    folder = tmp_path_factory.mktemp("toy")
    run: Execute = runner(folder)
    return run(config={"name": "toy"}, report=lambda place: (place / "report.html").write_text("good"))


@pytest.fixture
def run_dir(made: Execution, tmp_path: Path) -> Path:
    return shutil.copytree(made.run_dir, tmp_path / "runs" / "run")


def said(run_dir: Path) -> list[tuple[str, str]]:
    return [(p.path.relative_to(run_dir).as_posix(), p.what.split(":")[0]) for p in hold_run(run_dir)]


def rewrite(run_dir: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    """Change the record, and its digest with it."""
    record = json.loads((run_dir / "execution.json").read_text())
    change(record)
    del record["digest"]
    code = record.pop("code").replace(":", "0:")  # of nobody here
    content = record | {"digest": digest_json(record), "code": code}
    (run_dir / "execution.json").write_text(json.dumps(content))


def test_a_run_is_what_its_record_says(run_dir: Path) -> None:
    assert said(run_dir) == []
    files = load_execution(run_dir).files
    assert files.keys() == {
        *("config.json", "definition.json", "report.html"),
        *(f"logs/{step}.log" for step in ("Make", "Train", "Measure")),
    }
    assert list(load_execution(run_dir).staged) == ["s3/bucket/config/config.json"]


@pytest.mark.parametrize(
    "name",
    [
        *("config.json", "definition.json", "report.html", "logs/Make.log"),
        "s3/bucket/config/config.json",
        "s3/bucket/runs/run/Make/train/x.txt",
    ],
)
def test_a_file_that_was_changed_or_is_missing_is_named(run_dir: Path, name: str) -> None:
    file = run_dir / name
    data = file.read_bytes()
    file.unlink()
    assert said(run_dir) == [(name, "is missing")]
    file.write_bytes(data + b"\n")
    assert said(run_dir) == [(name, "has been changed")]
    file.unlink()
    aside = run_dir.parent / "aside"
    aside.write_bytes(data)
    file.symlink_to(aside)
    assert [where for where, _ in said(run_dir)], "a link may lead elsewhere tomorrow"


@pytest.mark.parametrize(
    "name", ["notes.txt", "logs/Other.log", "s3/bucket/other/x", "s3/bucket/config/other.json", "more/x"]
)
def test_what_no_run_has_written_is_foreign(run_dir: Path, name: str) -> None:
    (run_dir / name).parent.mkdir(parents=True, exist_ok=True)
    (run_dir / name).write_text("?")
    ((where, what),) = said(run_dir)
    assert name.startswith(where) and what == "is foreign"


def test_a_record_that_was_changed_is_named_and_so_is_that_of_another_run(run_dir: Path) -> None:
    text = (run_dir / "execution.json").read_text()
    (run_dir / "execution.json").write_text(text.replace('"Succeeded"', '"Failed"', 1))
    assert said(run_dir) == [("execution.json", "has been changed")]
    (run_dir / "execution.json").write_text(text)
    other = run_dir.rename(run_dir.with_name("other"))
    assert said(other) == [("execution.json", "is the record of another run, 'run'")]


@pytest.mark.parametrize("path", ["../other", "/etc", "s3/link"])
def test_a_record_leads_nowhere_out_of_its_run(run_dir: Path, path: str) -> None:
    outside = run_dir.parent / "other"
    outside.mkdir()
    (outside / "x.txt").write_text("secret")
    (run_dir / "s3/link").symlink_to(outside)
    rewrite(run_dir, lambda record: record["steps"][0]["outputs"]["train"].update(path=path))
    problems = list(hold_run(run_dir))
    assert any("outside of the run" in problem.what for problem in problems)
    assert not any(problem.path.is_relative_to(outside) for problem in problems)
    with pytest.raises(BadInput):
        load_execution(run_dir).path("Make", "train")

    rewrite(run_dir, lambda record: record["files"].update({path: {"sha256": "0" * 64, "bytes": 1}}))
    assert sum("outside of the run" in problem.what for problem in hold_run(run_dir)) == 2


@pytest.mark.parametrize(
    "change",
    [
        lambda record: record.update(steps={"a": 1}),
        lambda record: record.update(seconds=["many"]),
        lambda record: record.update(status="Done"),
        lambda record: record.update(more=1),
        lambda record: record["steps"][0].update(outputs=[1]),
        lambda record: record["steps"][0]["outputs"]["train"].pop("path"),
    ],
)
def test_a_record_of_another_form_is_one_sentence(
    run_dir: Path, change: Callable[[dict[str, Any]], Any], capsys: pytest.CaptureFixture[str]
) -> None:
    rewrite(run_dir, change)
    assert main(["verify", str(run_dir)]) == 4
    assert "it is no record of a run (" in capsys.readouterr().err


def test_of_a_run_that_has_not_ended_what_is_finished_is_held(run_dir: Path) -> None:
    (run_dir / "report.html").unlink()
    (run_dir / "logs/Next.log").write_text("it goes on")
    rewrite(run_dir, lambda record: [record["files"].clear(), record.update(status="Running")])
    assert said(run_dir) == []
    (run_dir / "s3/bucket/runs/run/Make/train/x.txt").unlink()
    assert said(run_dir) == [("s3/bucket/runs/run/Make/train/x.txt", "is missing")]


def state(folder: Path) -> dict[str, tuple[int, int, int]]:
    """Mode and times of everything below a folder; whatever is done to a file changes its ctime."""
    found = {path: path.lstat() for path in (folder, *folder.rglob("*"))}
    return {str(path): (s.st_mode, s.st_mtime_ns, s.st_ctime_ns) for path, s in found.items()}


def test_verify_and_plan_change_nothing_of_what_they_look_at(tmp_path: Path) -> None:
    run: Execute = runner(tmp_path)
    definition = json.loads((run().run_dir / "definition.json").read_text())
    workspace = tmp_path / "runs"
    entry = next((workspace / "cache").glob("??/*/outputs/train/x.txt"))
    entry.chmod(0o640)
    for path in sorted(workspace.rglob("*"), reverse=True):
        if path.is_dir():
            path.chmod(0o555)
    workspace.chmod(0o555)
    before = state(workspace)
    try:
        assert verify(workspace) == verify(workspace / "run") == []
        staged = {"s3://bucket/config/config.json": b'{"word": "hello"}'}
        words = explain_cache(definition, staged, workspace, project=tmp_path / "project")
        assert all(word.hit for word in words)
        assert main(["verify", str(workspace)]) == 0
        assert state(workspace) == before
    finally:
        for folder, _, _ in os.walk(workspace):
            Path(folder).chmod(0o755)
