"""Every file that a stranger may have written is read through `boomerang.safeio`, or here is the reason."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.ranges import ROOT

PACKAGES = ("boomerang", "processing", "training", "aws", "pipelines")
SOURCES = [
    *(path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))),
    ROOT / "resize_images.py",
]

# What reads a file, or what may be one, or parses what it holds, without a cap.
METHODS = {"read_text", "read_bytes", "open", "model_validate_json"}
FUNCTIONS = {
    *("open", "os.open", "os.fdopen", "tarfile.open", "zipfile.ZipFile", "Image.open", "pickle.loads"),
    *("json.load", "json.loads", "tomllib.load", "tomllib.loads", "yaml.load", "np.load", "np.fromfile"),
}

OURS, WRITES, TOLD = "a file of this repository", "it writes", "what a program or service of ours answered"
ALLOWED = {
    "boomerang/blocks.py": f"{WRITES}, and takes the room first",
    "boomerang/formats/screen.py": f"{WRITES} a table; what it reads, safeio reads",
    "boomerang/digest.py": "hashes regular files in blocks, with a cap; safeio imports it",
    "boomerang/shown.py": "the null device",
    "boomerang/signing/key_file.py": f"{WRITES} a key; what it reads, safeio reads",
    "boomerang/signing/sealing.py": "a payload that is signed, within a file that safeio has read",
    "boomerang/watching/history.py": f"{WRITES} at the end of a history; what it reads, safeio reads",
    "processing/pictures/picture_folder.py": WRITES,
    "processing/sharing/spool.py": WRITES,
    "processing/attacks/art_insert_image.py": "the size of a PNG that it has encoded itself",
    "training/cluster.py": "/proc/cpuinfo, which the system writes",
    "pipelines/page/shell.py": OURS,
    "pipelines/campaign/sections.py": "a value of the command line",
    "pipelines/definition/user_key.py": "a key of the user's own, opened as safeio opens files",
    "pipelines/definition/sdk/__init__.py": TOLD,
    "pipelines/report/run_folder.py": "the last 64 KiB of a log that is a regular file",
    "pipelines/cli/last_resort.py": f"{WRITES} a traceback",
    "pipelines/registry/origin.py": "the card in a step's arguments, which the definition has drawn",
    "pipelines/registry/approval.py": "a key of the user's own, which safeio reads",
    "pipelines/registry/signatures.py": "a key of the user's own, which safeio reads",
    "pipelines/runners/containers/run_book.py": "an archive that a container of ours has packed",
    "pipelines/runners/containers/localmode.py": "settings and logs of containers that it started",
    "pipelines/runners/process/host.py": f"a pipe of its own, a log; {WRITES}",
    "pipelines/runners/process/processes.py": TOLD,
    "pipelines/runners/process/cache_recipe.py": "settings that this process has staged",
    "pipelines/runners/process/code.py": OURS,
    "pipelines/runners/process/disks.py": "the message of a step that it started",
    "pipelines/runners/ledger.py": "the pages of a run of its own, that are put back as they were",
    "pipelines/runners/failure.py": "the end of a log of a step that it started",
    "pipelines/cloud/board.py": TOLD,
    "pipelines/cloud/deployed.py": TOLD,
    "pipelines/cloud/status.py": TOLD,
    "pipelines/runs/locking.py": WRITES,
    "pipelines/runs/storage.py": "copies, in blocks, what it has seen to be regular files",
    "pipelines/check/package_card.py": "a card that was drawn here",
    "aws/jobs/sign.py": "a key of the user's own, which safeio reads",
    "aws/image/image.py": OURS,
    "aws/image/sbom.py": f"{OURS}, and a list that the image's build has made",
    "aws/reject/handler.py": "what the stack has put into its own bucket",
    "aws/image/docker.py": TOLD,
    "aws/upload.py": "files of this repository, and what was staged, in blocks",
    "aws/prices.py": TOLD,
    "aws/stack/changes.py": OURS,
    "aws/stack/intrinsics.py": OURS,
    "aws/check/patterns.py": OURS,
    "aws/check/calls.py": OURS,
    "aws/check/template.py": OURS,
}


def raw_reads(path: Path) -> Iterator[str]:
    """Yield each call of a module that reads or parses without a cap, with its line."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            method = isinstance(node.func, ast.Attribute) and node.func.attr in METHODS
            if called in FUNCTIONS or method:
                yield f"{name_of(path)}:{node.lineno} {called}"


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("package", [*PACKAGES, "resize_images.py"])
def test_nothing_is_read_around_safeio(package: str) -> None:
    own = ROOT / "boomerang" / "safeio"
    found = [
        read
        for path in SOURCES
        if path.relative_to(ROOT).parts[0] == package and not path.is_relative_to(own)
        for read in raw_reads(path)
        if name_of(path) not in ALLOWED
    ]
    assert found == [], "read it with boomerang.safeio (load_json, parse_json, read_bytes, load_npy, ...)"


def test_every_exception_is_one() -> None:
    assert [name for name in ALLOWED if not list(raw_reads(ROOT / name))] == []


def test_a_raw_read_is_found() -> None:
    assert any("read_text" in read for read in raw_reads(Path(__file__)))
