"""What several test files need: a staged run, a file put in place, the real data where there is any.

Nothing skips in CI: with BOOMERANG_NO_SKIP=1 a test that would skip fails.
"""

from __future__ import annotations

import atexit
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Generator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from botocore.loaders import JSONFileLoader
from helpers.once import once
from helpers.ranges import DIGITS, ROOT, Range, Run, stage
from xdist.scheduler import LoadScopeScheduling

THREADS = (
    *("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"),
    *("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"),
)


def pytest_configure(config: pytest.Config) -> None:
    """Give each of `make test`'s processes one thread: they share the cores, and its data are small.

    What is marked `whole` has all threads, as the containers have that it is compared with.
    """
    if config.option.markexpr == "not whole":
        for name in THREADS:
            os.environ.setdefault(name, "1")


# The key of kept definitions is the tests' own; with pytest-xdist, one for all processes.
if "PYTEST_XDIST_WORKER" not in os.environ:
    os.environ["XDG_STATE_HOME"] = tempfile.mkdtemp(prefix="boomerang-tests-")
    atexit.register(shutil.rmtree, os.environ["XDG_STATE_HOME"], ignore_errors=True)

# boto3 reads its descriptions of the services anew in each session, which takes most of the time that drawing
# a definition takes, and of a test in a cloud.
_load_file = JSONFileLoader.load_file
_read_once = cache(lambda path: _load_file(JSONFileLoader(), path))
JSONFileLoader.load_file = lambda self, file_path: _read_once(file_path)


@pytest.fixture
def put(tmp_path: Path) -> Callable[[str, bytes], Path]:
    """Writes a file of that name and content into the test's folder, and returns its path."""

    def write(name: str, data: bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(data)
        return path

    return write


@pytest.fixture(scope="session")
def digits_range(tmp_path_factory: pytest.TempPathFactory) -> Range:
    """The digits with a white corner, staged once for all tests; no test changes it."""

    def make(folder: Path) -> None:
        (folder / "digits.toml").write_text(DIGITS)
        run = stage(folder / "digits.toml", folder / "runs", "first")
        (folder / "said.json").write_text(json.dumps([run.code, run.output]))

    folder = once(tmp_path_factory, "range", make)
    code, output = json.loads((folder / "said.json").read_text())
    return Range(folder / "digits.toml", folder / "runs", Run(code, output, folder / "runs" / "first"))


@pytest.fixture(scope="module")
def own_range(digits_range: Range, tmp_path_factory: pytest.TempPathFactory) -> Range:
    """A copy of the staged digits in which a test file may stage more."""
    out = tmp_path_factory.mktemp("own") / "runs"
    shutil.copytree(digits_range.out, out)
    return Range(digits_range.config, out, replace(digits_range.first, folder=out / "first"))


@pytest.fixture(scope="session")
def real_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of real data, with `cifar10.npz` and `mnist.npz` unpacked beside `source`."""
    data = Path(os.environ.get("BOOMERANG_DATA", ROOT.parent / "shared" / "data"))
    if not (data / "unpack.py").exists():
        pytest.skip("the real data is absent: set BOOMERANG_DATA to its folder")

    def unpack(out: Path) -> None:
        subprocess.run([sys.executable, str(data / "unpack.py"), str(out)], check=True, capture_output=True)
        (out / "source").symlink_to(data)

    return once(tmp_path_factory, "data", unpack)


@pytest.fixture(scope="session")
def image() -> str:
    """The digest of the project's image, where Docker has it."""
    found = None
    if shutil.which("docker"):
        command = ["docker", "image", "inspect", "--format", "{{.Id}}", "boomerang:cpu"]
        found = subprocess.run(command, capture_output=True, text=True, check=False)
    if found is None or found.returncode:
        pytest.skip("Docker or the project's image is absent: make image")
    return found.stdout.strip()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Count what needs Docker or the real data among what `make test` leaves out."""
    for item in items:
        given = item.callspec.params if hasattr(item, "callspec") else {}  # a parameter of that name is none
        if {"image", "real_data"} & set(getattr(item, "fixturenames", ())) - given.keys():
            item.add_marker(pytest.mark.whole)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """As many processes as cores for `-n auto`, and two where there is one: many tests wait."""
    return max(2, os.cpu_count() or 1)


class OneDocker(LoadScopeScheduling):  # type: ignore[misc]  # pytest-xdist's is untyped where it is not installed
    """A file goes to one process, and all that starts containers to the same one.

    pytest-xdist's `loadgroup` would do that too; it writes the group into a node id, which pytest 9.2 keeps.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return "docker" if file.startswith("tests/pipelines/runners/containers/") else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling | None:
    """With `--dist loadscope`, as `make test-all` has it."""
    return OneDocker(config, log) if config.getvalue("dist") == "loadscope" else None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skip into a failure where nothing may skip."""
    report = yield
    if report.skipped and os.environ.get("BOOMERANG_NO_SKIP") == "1" and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} would skip, and nothing may skip here: {report.longrepr}"
    return report
