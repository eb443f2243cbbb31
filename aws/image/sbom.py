"""The image's bill of materials, in CycloneDX 1.6: what is in it, under which version, hash and name.

It is made in the image while that is built, as the last thing, with nothing but Python's own library: every
Python package that can be imported there, with the hash of the wheel that pip took and held against the lock;
Python itself; every package of the operating system; and the digest of our own code. Equal images have equal
bills.

    python sbom.py PIP_REPORT CODE
"""

from __future__ import annotations

import hashlib
import json
import platform
import re
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator, Mapping
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any
from urllib.parse import quote

# Where the image has it.
PLACE = "/opt/boomerang/sbom.cdx.json"

Component = dict[str, Any]
_DPKG = r"${Package}\t${Version}\t${Architecture}\t${db:Status-Status}\n"


def bill(report: Mapping[str, Any], code: Path) -> dict[str, Any]:
    """Return the bill of materials of the machine that this runs on.

    Parameters
    ----------
    report : mapping
        What `pip install --report` wrote.
    code : Path
        The folder of our own code.
    """
    system = _system()
    ours = {"type": "application", "name": "boomerang", "bom-ref": "boomerang", **_digest(code)}
    components = [_operating_system(system), _python(), *_packages(report), *_debian(system)]
    content = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {"type": "container", "name": "boomerang", "bom-ref": "image"}},
        "components": [ours, *components],
    }
    number = uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(content, sort_keys=True))
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        **content,
        "serialNumber": number.urn,
    }


def _digest(code: Path) -> Component:
    """Return version and hash of our code: of the list of its files with their hashes."""
    files = sorted(path for path in code.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    lines = [f"{_sha256(path.read_bytes())}  {path.relative_to(code).as_posix()}\n" for path in files]
    digest = _sha256("".join(lines).encode())
    return {"version": digest, "hashes": [{"alg": "SHA-256", "content": digest}]}


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _component(kind: str, name: str, version: str, purl: str, sha256: str | None = None) -> Component:
    hashes = {"hashes": [{"alg": "SHA-256", "content": sha256}]} if sha256 else {}
    return {"type": kind, "name": name, "version": version, "purl": purl, "bom-ref": purl, **hashes}


def _packages(report: Mapping[str, Any]) -> Iterator[Component]:
    """Give every Python package that can be imported, in the order of the names.

    Those that pip did not install here (they came with the base image) have no hash.
    """
    wheels = {
        _canonical(each["metadata"]["name"]): each["download_info"]["archive_info"]["hashes"]["sha256"]
        for each in report["install"]
    }
    found: dict[str, Distribution] = {}
    for each in distributions():
        found.setdefault(_canonical(each.metadata["Name"]), each)  # the first on the path is the one
    for name, each in sorted(found.items()):
        purl = f"pkg:pypi/{name}@{quote(each.version)}"
        yield _component("library", name, each.version, purl, wheels.get(name)) | _license(each)


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _license(package: Distribution) -> Component:
    """Return what a package says of its license, where it says it in a word."""
    if said := package.metadata.get_all("License-Expression"):
        return {"licenses": [{"expression": said[0]}]}
    classifiers = package.metadata.get_all("Classifier") or []
    names = sorted({line.rpartition(" :: ")[2] for line in classifiers if line.startswith("License :: ")})
    return {"licenses": [{"license": {"name": name}} for name in names]} if names else {}


def _python() -> Component:
    version = platform.python_version()
    return _component("platform", "python", version, f"pkg:generic/python@{version}")


def _system() -> Mapping[str, str]:
    try:
        return platform.freedesktop_os_release()
    except OSError:
        return {}


def _operating_system(system: Mapping[str, str]) -> Component:
    name, version = system.get("ID", "linux"), system.get("VERSION_ID", "")
    return {"type": "operating-system", "name": name, "version": version, "bom-ref": f"os:{name}@{version}"}


def _debian(system: Mapping[str, str]) -> Iterator[Component]:
    """Give every package of the operating system, where that is Debian's kind."""
    if shutil.which("dpkg-query") is None:
        return
    command = ["dpkg-query", "--show", "--showformat", _DPKG]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    namespace, distro = system.get("ID", "debian"), f"{system.get('ID')}-{system.get('VERSION_ID')}"
    for line in sorted(listed.splitlines()):
        name, version, architecture, status = line.split("\t")
        if status == "installed":
            named = f"pkg:deb/{namespace}/{quote(name)}@{quote(version, safe='')}"
            yield _component("library", name, version, f"{named}?arch={architecture}&distro={distro}")


if __name__ == "__main__":
    made = bill(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")), Path(sys.argv[2]))
    json.dump(made, sys.stdout, indent=1, sort_keys=True)
