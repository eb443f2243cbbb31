"""Who may import whom: the rules of the design, held against the sources."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.ranges import ROOT

# Who trains a model of its own: an attack that takes over the training, and nobody else below `processing/`.
MAY_TRAIN = {"processing/takeover.py"}
OURS = {"boomerang", "processing", "training", "aws", "pipelines"}
MAY_IMPORT = {
    "boomerang": {"boomerang"},
    "training": {"training", "boomerang"},
    "processing": {"processing", "boomerang", "training.model"},
    "aws": {"aws", "boomerang"},
    "pipelines": {"pipelines", "boomerang", "processing", "training", "aws"},
}
HEAVY = {"tensorflow", "keras", "art", "sklearn", "scipy", "boto3", "botocore", "sagemaker", "matplotlib"}
HEAVY |= {"cryptography"}
SOURCES = sorted(path for package in MAY_IMPORT for path in (ROOT / package).rglob("*.py"))


def imports(path: Path, *, top_level: bool = False) -> Iterator[str]:
    """Yield the modules that a file imports, at any depth or at its top level alone."""
    tree = ast.parse(path.read_text())
    for node in tree.body if top_level else ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_a_package_imports_only_what_it_may(path: Path) -> None:
    name = path.relative_to(ROOT).as_posix()
    allowed = MAY_IMPORT[name.partition("/")[0]] | ({"training"} if name in MAY_TRAIN else set())
    for module in imports(path):
        if module.split(".")[0] in OURS:
            assert any(module == name or module.startswith(f"{name}.") for name in allowed), module


def test_the_definition_and_local_mode_alone_import_the_sagemaker_sdk() -> None:
    importers = {
        path.relative_to(ROOT).as_posix()
        for path in SOURCES
        for module in imports(path)
        if module.split(".")[0] == "sagemaker"
    }
    assert importers == {"pipelines/definition/sdk/imports.py", "pipelines/runners/containers/localmode.py"}


@pytest.mark.parametrize(
    "module", ["pipelines.cli.main", "processing.poison", "processing.screen", "training.train"]
)
def test_importing_a_step_or_the_command_line_takes_nothing_heavy(module: str) -> None:
    code = f"import sys, {module}; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, timeout=120
    )
    assert not HEAVY & set(done.stdout.split())


def test_the_floor_needs_only_numpy_pillow_and_pydantic() -> None:
    third_party = {"numpy", "PIL", "pydantic"}
    for path in (ROOT / "boomerang").rglob("*.py"):
        for module in imports(path, top_level=True):
            name = module.split(".")[0]
            assert name in sys.stdlib_module_names | third_party | {"boomerang", "__future__"}, (path, name)
