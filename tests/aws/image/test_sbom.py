"""The bill of materials: CycloneDX's required fields, and of the built image that it says what is in it."""

from __future__ import annotations

import importlib.metadata
import json
import re
import subprocess
import sys
import tarfile
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from helpers.ranges import ROOT

from aws.image.image import bill_of_materials, context, find
from aws.image.sbom import bill

HASH = "ab" * 32
REPORT = {
    "install": [
        {
            "metadata": {"name": "NumPy", "version": importlib.metadata.version("numpy")},
            "download_info": {"url": "https://x", "archive_info": {"hashes": {"sha256": HASH}}},
        }
    ]
}
DPKG = r"""#!/bin/sh
printf 'libc6\t2.36-9+deb12u9\tamd64\tinstalled\n'
printf 'gone\t1\tall\tconfig-files\n'
printf 'tzdata\t1:2024b\tall\tinstalled\n'
"""
LIST = """
from importlib.metadata import distributions
for each in distributions():
    print(each.metadata["Name"], each.version)
"""


@pytest.fixture
def code(tmp_path: Path) -> Path:
    (tmp_path / "code/__pycache__").mkdir(parents=True)
    (tmp_path / "code/train.py").write_text("pass")
    return tmp_path / "code"


@pytest.fixture
def made(code: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A bill of this machine, with a `dpkg-query` of its own."""
    (tmp_path / "dpkg-query").write_text(DPKG)
    (tmp_path / "dpkg-query").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin")
    return bill(REPORT, code)


def by_purl(made: dict[str, Any], kind: str) -> dict[str, dict[str, Any]]:
    return {c["purl"]: c for c in made["components"] if c.get("purl", "").startswith(f"pkg:{kind}/")}


def check_form(made: dict[str, Any]) -> None:
    """Hold a bill to what CycloneDX 1.6 requires of the fields that ours has."""
    assert (made["bomFormat"], made["specVersion"], made["version"]) == ("CycloneDX", "1.6", 1)
    assert re.fullmatch(r"urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", made["serialNumber"])
    known = {"type", "name", "version", "purl", "bom-ref", "hashes", "licenses"}
    references = [made["metadata"]["component"]["bom-ref"]]
    for each in made["components"]:
        assert each["type"] in {"application", "library", "platform", "operating-system"}
        assert each["name"] and each.keys() <= known
        assert re.fullmatch(r"pkg:(pypi|deb|generic)/\S+@\S+", each.get("purl", "pkg:pypi/x@1"))
        for entry in each.get("hashes", []):
            assert entry["alg"] == "SHA-256" and re.fullmatch("[0-9a-f]{64}", entry["content"])
        for entry in each.get("licenses", []):
            assert isinstance(entry.get("expression") or entry["license"]["name"], str)
        references.append(each["bom-ref"])
    assert len(set(references)) == len(references)


def test_it_has_what_the_format_asks_for(made: dict[str, Any]) -> None:
    check_form(made)
    json.dumps(made, allow_nan=False)


def test_a_package_has_name_version_license_and_the_hash_of_its_wheel(made: dict[str, Any]) -> None:
    packages = by_purl(made, "pypi")
    there = {each.metadata["Name"].lower() for each in importlib.metadata.distributions()}
    assert len(packages) > 100 and "numpy" in there
    numpy = packages[f"pkg:pypi/numpy@{importlib.metadata.version('numpy')}"]
    assert numpy["hashes"] == [{"alg": "SHA-256", "content": HASH}] and numpy["licenses"]
    assert [purl for purl, each in packages.items() if "hashes" in each] == [numpy["purl"]]


def test_packages_of_the_system_that_are_installed_are_in_it(made: dict[str, Any]) -> None:
    found = by_purl(made, "deb")
    assert [each["name"] for each in found.values()] == ["libc6", "tzdata"]
    assert [each["version"] for each in found.values()] == ["2.36-9+deb12u9", "1:2024b"]
    assert all(re.fullmatch(r"pkg:deb/\w+/[a-z0-9]+@[\w.%-]+\?arch=\w+&distro=.+", purl) for purl in found)


def test_where_there_is_no_dpkg_there_are_none(code: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    made = bill(REPORT, code)
    assert not by_purl(made, "deb") and by_purl(made, "pypi")


def test_equal_images_have_equal_bills_and_another_code_another(made: dict[str, Any], code: Path) -> None:
    (code / "__pycache__/train.pyc").write_bytes(b"compiled")
    assert bill(REPORT, code) == made
    (code / "train.py").write_text("changed")
    assert bill(REPORT, code)["serialNumber"] != made["serialNumber"]


def test_it_is_made_with_nothing_but_pythons_own_library(code: Path, tmp_path: Path) -> None:
    (tmp_path / "pip.json").write_text(json.dumps({"install": []}))
    script = ROOT / "aws/image/sbom.py"
    command = [sys.executable, "-I", "-S", str(script), str(tmp_path / "pip.json"), str(code)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    made = json.loads(done.stdout)
    check_form(made)
    assert made["components"][0]["name"] == "boomerang"


def in_image(image: str, *command: str) -> str:
    done = ["docker", "run", "--rm", "--network", "none", image, *command]
    return subprocess.run(done, capture_output=True, text=True, check=True).stdout


def test_the_image_says_what_is_in_it(image: str, tmp_path: Path) -> None:
    made = json.loads(bill_of_materials(find(image)))
    check_form(made)

    listed = in_image(image, "python", "-c", LIST)
    packages = by_purl(made, "pypi")
    assert {(c["name"], c["version"]) for c in packages.values()} == {
        (re.sub(r"[-_.]+", "-", name).lower(), version)
        for name, version in (line.split() for line in listed.splitlines())
    }
    lock = (ROOT / "aws/image/container/requirements-cpu.txt").read_text()
    for each in packages.values():
        assert f"{each['name']}=={each['version']}" in lock
        assert f"--hash=sha256:{each['hashes'][0]['content']}" in lock

    debian = in_image(image, "dpkg-query", "--show", "--showformat", r"${Package} ${Version}\n")
    found = {f"{c['name']} {c['version']}" for c in by_purl(made, "deb").values()}
    assert found == set(debian.splitlines()) and "base-files" in debian

    with tarfile.open(fileobj=BytesIO(context())) as archive:
        archive.extractall(tmp_path, filter="data")
    ours = next(each for each in made["components"] if each["name"] == "boomerang")
    assert ours == bill(REPORT, tmp_path / "code")["components"][0]
