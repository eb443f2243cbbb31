"""What several test files need: a staged run, a file put in place, the real data where there is any.

Nothing skips in CI: with BOOMERANG_NO_SKIP=1 a test that would skip fails.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Generator
from pathlib import Path

import pytest
from helpers.ranges import DIGITS, ROOT, Range, stage


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
    """The digits with a white corner, staged once for all tests."""
    folder = tmp_path_factory.mktemp("range")
    config = folder / "digits.toml"
    config.write_text(DIGITS)
    return Range(config, folder / "runs", stage(config, folder / "runs", "first"))


@pytest.fixture(scope="session")
def real_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of real data, with `cifar10.npz` and `mnist.npz` unpacked beside `source`."""
    data = Path(os.environ.get("BOOMERANG_DATA", ROOT.parent / "shared" / "data"))
    if not (data / "unpack.py").exists():
        pytest.skip("the real data is absent: set BOOMERANG_DATA to its folder")
    out = tmp_path_factory.mktemp("data")
    subprocess.run([sys.executable, str(data / "unpack.py"), str(out)], check=True, capture_output=True)
    (out / "source").symlink_to(data)
    return out


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
