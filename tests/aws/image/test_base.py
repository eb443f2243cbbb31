"""The base image: refused with the reason where the libraries cannot be installed on it."""

from __future__ import annotations

import platform
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.ranges import ROOT

BASE = ROOT / "aws/image/container/base"
LOCKED = ROOT / "aws/image/container/requirements-gpu.txt"
BESIDE = "beside.txt"
TENSORFLOW = "2.21.0"

# What the Python of a base answers: `base` asks it one thing at a time.
PYTHON = """#!/bin/sh
case "$2" in
  *version_info*) {version} ;;
  *ensurepip*) {venv} ;;
  *libc_ver*) echo "{libc}" ;;
  *find_spec*) {tensorflow} ;;
esac
"""
GOOD = {"version": "echo 3.12", "venv": "true", "libc": "glibc x86_64", "tensorflow": "true"}


def chosen(folder: Path, accelerator: str, python: str | None) -> subprocess.CompletedProcess[str]:
    """Return what `base` says on a machine whose only Python is this one."""
    (folder / "sed").symlink_to("/usr/bin/sed" if Path("/usr/bin/sed").exists() else "/bin/sed")
    if python is not None:
        (folder / "python3").write_text(python)
        (folder / "python3").chmod(0o755)
    return subprocess.run(
        ["/bin/sh", str(BASE), accelerator, str(LOCKED), BESIDE],
        env={"PATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("accelerator", "differs", "expected"),
    [
        ("cpu", {}, str(LOCKED)),
        ("cpu", {"version": "echo 3.11", "libc": "glibc aarch64"}, str(LOCKED)),
        ("cpu", {"tensorflow": "echo 2.20.0"}, str(LOCKED)),  # the CPU's image has its own in any case
        ("gpu", {}, str(LOCKED)),
        ("gpu", {"tensorflow": f"echo {TENSORFLOW}"}, BESIDE),
    ],
)
def test_the_requirements_are_chosen_for_what_the_base_has(
    tmp_path: Path, accelerator: str, differs: dict[str, str], expected: str
) -> None:
    done = chosen(tmp_path, accelerator, PYTHON.format(**(GOOD | differs)))
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{expected}\n", "")


@pytest.mark.parametrize(
    ("accelerator", "differs", "said"),
    [
        ("cpu", None, "it has no python3\n  give BASE another, such as python:3.12-slim-bookworm"),
        ("cpu", {"version": "exit 1"}, "its python3 does not start"),
        ("cpu", {"version": "echo 3.10"}, "its python3 is 3.10, and Boomerang is for Python 3.11 and 3.12"),
        ("cpu", {"version": "echo 3.13"}, "its python3 is 3.13"),
        ("cpu", {"venv": "exit 1"}, "its Python cannot make virtual environments"),
        ("cpu", {"libc": "another libc x86_64"}, "its C library is not glibc"),
        (
            "gpu",
            {"libc": "glibc aarch64"},
            "it is for aarch64, and TensorFlow has wheels for a GPU on x86-64",
        ),
        ("gpu", {"tensorflow": "exit 1"}, "its TensorFlow cannot be imported"),
        (
            "gpu",
            {"tensorflow": "echo 2.19.1"},
            f"it has TensorFlow 2.19.1, and Boomerang is for {TENSORFLOW}",
        ),
    ],
)
def test_a_base_that_cannot_do_is_refused_with_the_reason(
    tmp_path: Path, accelerator: str, differs: dict[str, str] | None, said: str
) -> None:
    done = chosen(tmp_path, accelerator, None if differs is None else PYTHON.format(**(GOOD | differs)))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: cannot build on this base image: ")
    assert said in done.stderr


@pytest.mark.parametrize(("version", "expected"), [(TENSORFLOW, f"{BESIDE}\n"), ("2.19.1", "")])
def test_a_real_python_is_asked_and_understood(tmp_path: Path, version: str, expected: str) -> None:
    (tmp_path / "tensorflow.py").write_text(f'__version__ = "{version}"')
    python = f'#!/bin/sh\nPYTHONPATH={tmp_path} exec "{sys.executable}" "$@"\n'
    done = chosen(tmp_path, "gpu", python)
    if platform.machine() != "x86_64":
        expected = ""
    assert done.stdout == expected, done.stderr
    assert bool(done.stderr) == (not expected)
