"""What is installed: wheels alone, each by its hashes, and on a laptop what is in a container."""

from __future__ import annotations

import platform
import re
import subprocess
import sys
import tomllib
from functools import cache
from importlib.metadata import requires
from pathlib import Path

import pytest
from helpers.ranges import ROOT

LAPTOP = ROOT / "requirements.txt"
CONTAINERS = [ROOT / f"aws/image/container/requirements-{kind}.txt" for kind in ("cpu", "gpu", "beside")]
GPU, BESIDE = CONTAINERS[1:]
_LOCKED = re.compile(r"(?P<name>[a-z0-9-]+)(\[[a-z0-9,-]+\])?==(?P<version>\S+)( ; (?P<marker>.+))?")
_HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@cache
def locked(file: Path) -> dict[tuple[str, str], set[str]]:
    """Return the hashes of each name and version in a lock file, all lines of which are understood."""
    found = {}
    text = file.read_text().replace("\\\n", " ")
    for line in filter(None, text.splitlines()):
        if line == "--only-binary :all:":
            continue
        requirement, *hashes = re.split(r" +(?=--hash)", line.strip())
        match = _LOCKED.fullmatch(requirement.strip())
        assert match, line
        assert all(_HASH.fullmatch(each.strip()) for each in hashes), line
        found[match["name"], match["version"]] = {each.strip() for each in hashes}
    return found


@pytest.mark.parametrize("file", [LAPTOP, *CONTAINERS], ids=lambda file: file.name)
def test_every_requirement_is_a_wheel_of_known_hash(file: Path) -> None:
    assert "--only-binary :all:" in file.read_text().splitlines()
    assert len(locked(file)) > 30
    assert [key for key, hashes in locked(file).items() if not hashes] == []


def test_what_the_project_imports_is_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    asked = [*project["project"]["dependencies"], *project["build-system"]["requires"]]
    names = {canonical(re.split(r"[^A-Za-z0-9._-]", each, maxsplit=1)[0]) for each in asked}
    assert names - {name for name, _ in locked(LAPTOP)} == set()


@pytest.mark.parametrize("file", CONTAINERS, ids=lambda file: file.name)
def test_a_container_has_the_very_files_of_the_laptop(file: Path) -> None:
    laptop, container = locked(LAPTOP), locked(file)
    assert {"numpy", "keras", "scikit-learn"} <= {name for name, _ in container}
    ours = {key: hashes for key, hashes in container.items() if not key[0].startswith("nvidia-")}
    assert {key: laptop.get(key) for key in ours} == ours


def test_for_a_gpu_nvidias_libraries_are_the_least_that_tensorflow_takes() -> None:
    """They are what it was built and tested with, the smallest, and ask least of the machine's driver."""
    installed = (
        "tensorflow-cpu" if platform.machine() == "x86_64" and sys.platform == "linux" else "tensorflow"
    )
    asked = [each for each in requires(installed) or [] if 'extra == "and-cuda"' in each]
    least = dict(re.findall(r"^(nvidia-\S+?)<[0-9.]+,>=([0-9.]+);", "\n".join(asked), re.M))
    assert len(least) == len(asked) == 12
    found = dict(locked(GPU).keys())
    assert {name: version for name, version in found.items() if name.startswith("nvidia-")} == least
    assert found["tensorflow"] == dict(locked(LAPTOP).keys())["tensorflow"]


def test_beside_the_tensorflow_of_a_base_no_other_is_installed() -> None:
    names = {name for name, _ in locked(BESIDE)}
    assert not [name for name in names if name.startswith(("tensorflow", "nvidia-"))]
    assert names | {"tensorflow"} < {name for name, _ in locked(GPU)}


def test_make_and_the_dockerfile_install_by_hash() -> None:
    command = ["make", "--dry-run", "--always-make", ".venv/.ready"]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    dockerfile = (ROOT / "aws/image/container/Dockerfile").read_text()
    for text in (said, dockerfile):
        installs = re.findall(r"pip install ([^;&]*requirements\.txt)", text.replace("\\\n", " "))
        assert len(installs) == 1
        assert "--require-hashes" in installs[0] and "--only-binary :all:" in installs[0]


def test_pip_refuses_a_wheel_that_is_not_the_locked_one(tmp_path: Path) -> None:
    """A file under the locked name with other content, as a registry that was taken over would give it."""
    name, version = next(key for key in locked(LAPTOP) if key[0] == "jmespath")
    (tmp_path / f"{name}-{version}-py3-none-any.whl").write_bytes(b"PK\x05\x06" + bytes(18))
    asked = tmp_path / "requirements.txt"
    hashes = " ".join(sorted(locked(LAPTOP)[name, version]))
    asked.write_text(f"{name}=={version} {hashes}\n")
    command = ["install", "--isolated", "--no-index", "--find-links", ".", "--no-deps", "--target", "out"]
    done = subprocess.run(
        [sys.executable, "-m", "pip", *command, "--require-hashes", "-r", str(asked)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode and "DO NOT MATCH THE HASHES" in done.stderr, done.stderr


def test_the_license_is_the_one_that_the_project_names() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["license"] == "MIT" and project["license-files"] == ["LICENSE"]
    assert (
        (ROOT / "LICENSE")
        .read_text()
        .startswith("MIT License\n\nCopyright (c) 2026 Boomerang contributors\n")
    )
    assert "[MIT license](LICENSE)" in (ROOT / "README.md").read_text()
