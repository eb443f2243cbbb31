"""What nobody foresaw: one line, an exit code of its own, the traceback in a file."""

from __future__ import annotations

import errno
import os
import re
import stat
import subprocess
import sys
import tempfile
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers.ranges import ROOT
from helpers.report_fixture import build_run
from helpers.scenes import Scene

from boomerang.errors import EXIT_UNFORESEEN, EXIT_WORDS, IntegrityError, say_exit
from pipelines.cli.commands import report, run
from pipelines.cli.main import main, parser
from pipelines.runs.records import load_execution

Raised = Callable[[BaseException], tuple[int, str]]


@pytest.fixture
def raised(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Callable[[BaseException], tuple[int, str]]:
    """Runs a command that ends with an exception; returns its exit code and what it says."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def end(error: BaseException) -> tuple[int, str]:
        def act(_: Namespace) -> int:
            raise error

        monkeypatch.setattr(report, "report", act)
        return main(["report", "x"]), capsys.readouterr().err

    return end


@pytest.mark.parametrize(
    "error",
    [
        ValueError("two\nlines \x1b[2J"),
        ZeroDivisionError(),
        RecursionError("deep"),
        MemoryError(),
        OSError("without a number"),
        TimeoutError("no file in it"),
        UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"),
        SystemExit(1),
        ImportError("no step", name="processing.preprocess"),
        ValueError("x" * 10_000),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_nobody_foresaw_is_one_line_and_a_file(
    error: BaseException, raised: Raised, tmp_path: Path
) -> None:
    code, said = raised(error)
    assert code == EXIT_UNFORESEEN
    assert said.startswith("error: ") and said.count("\n") == 1 and len(said) < 600
    assert said.strip().isprintable() and type(error).__name__ in said
    (file,) = tmp_path.iterdir()
    assert str(file) in said and stat.S_IMODE(file.stat().st_mode) == 0o600
    kept = file.read_text()
    assert "Traceback (most recent call last)" in kept and "python -m pipelines report x" in kept
    assert "\x1b" not in kept


def test_where_no_file_can_be_written_that_is_said(
    raised: Raised, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "none"))
    code, said = raised(ValueError("x"))
    assert code == EXIT_UNFORESEEN and said.count("\n") == 1
    assert "its traceback could not be kept (No such file or directory)" in said


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (
            OSError(errno.ENOSPC, "No space left on device", "/r/x"),
            "/r/x: No space left on device\n  make room",
        ),
        (
            OSError(errno.EROFS, "Read-only file system", b"/r/\xff"),
            "/r/\\udcff: Read-only file system\n  give a",
        ),
        (OSError(errno.EMFILE, "Too many open files"), "this machine: Too many open files\n  close what"),
        (
            PermissionError(errno.EACCES, "Permission denied", "/a", None, "/b"),
            "/a -> /b: Permission denied\n",
        ),
        (
            UnicodeEncodeError("utf-8", "a\udce9.png", 1, 2, "surrogates not allowed"),
            "'a\\udce9.png': it is not UTF-8",
        ),
        (ImportError("No module named 'x'", name="x"), "package x: "),
    ],
)
def test_what_is_wrong_with_a_place_is_a_clear_error(
    error: Exception, words: str, raised: Raised, tmp_path: Path
) -> None:
    code, said = raised(error)
    assert code == 2 and words in said
    assert not list(tmp_path.iterdir())


def test_an_error_of_ours_keeps_its_code(raised: Raised) -> None:
    assert raised(IntegrityError("a", "b", "c")) == (4, "error: a: b\n  c\n")


def test_argparse_s_own_end_is_left_alone() -> None:
    with pytest.raises(SystemExit) as end:
        main(["--help"])
    assert not end.value.code


def test_each_exit_code_is_said_where_codes_are_said() -> None:
    page = re.sub(r"\s+", " ", parser().format_help())
    readme = re.sub(r"\s+", " ", (ROOT / "README.md").read_text())
    for code, words in EXIT_WORDS.items():
        assert f"{code} {words}" in page
        assert f"{code} {words}" in readme.replace("`", "")
    assert say_exit(1) == "exit code 1: the gate rejected it"
    assert say_exit(143) == "exit code 143: ended by signal 15"
    assert say_exit(9) == "exit code 9: none of ours"


# Ends as `run` does, with the summary of a run that is there.
_CONCLUDE = """
import sys
from pathlib import Path
from pipelines.cli.commands import run
from pipelines.cli.main import main
from pipelines.runs.records import load_execution
folder = Path(sys.argv[1])
run.run = lambda options: run._conclude(load_execution(folder), folder)
sys.exit(main(["run"]))
"""


@pytest.mark.parametrize(("asr", "code"), [(0.0, 0), (0.97, 1)])
def test_who_reads_a_run_s_end_does_not_change_its_exit_code(asr: float, code: int, tmp_path: Path) -> None:
    """A passing run piped into `true` had ended with 1, as one that was rejected."""
    folder = build_run(tmp_path / "run", Scene(hardened_asr=asr))
    assert (load_execution(folder).failed_step is None) is (code == 0)
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-c", _CONCLUDE, str(folder)]
    done = subprocess.run(command, cwd=ROOT, stdout=write, stderr=subprocess.PIPE, check=False)
    os.close(write)
    assert (done.returncode, done.stderr) == (code, b"")
    assert callable(run.run)


def test_make_run_says_what_the_exit_code_means(tmp_path: Path) -> None:
    """The recipe as it stands, with a program in place of Python that ends with 1."""
    python = tmp_path / "bin" / "python"
    python.parent.mkdir()
    python.write_text(f'#!/bin/sh\ncase "$2" in pipelines) exit 1;; esac\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    (tmp_path / ".ready").touch()
    os.utime(tmp_path / ".ready", (2**33, 2**33))
    command = ["make", "run", f"VENV={tmp_path}", f"PY={python}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr  # of make, whatever a recipe ends with
    assert "make run: exit code 1: the gate rejected it\n" in done.stderr
    assert "Error 1" in done.stderr
