"""The house keeps its rules: what lies where, who imports whom, and that faces and documents say the same."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.ranges import ROOT

PACKAGES = ("boomerang", "processing", "training", "aws", "pipelines")
SOURCES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
MOST_LINES, MOST_FUNCTION_LINES, MOST_LOOSE = 350, 50, 10

# Modules of one name, which mean the same thing in several places.
SHARED_NAMES = {
    "approval",  # the rules, and what each registry does by them
    "base",  # what every attack, detector, source, runner, ... has in common
    "table",  # pictures with a table, as data; and a table that is drawn
    "document",  # what the JSON beside a page holds
    "lineage_step",  # drawn, and checked
    "package_card",  # drawn, and checked
    "provenance",  # of what a report shows, and of rows
    "render",  # each page from its document
    "runner",  # on processes, and on containers
    *("canary", "model", "package", "predictions", "probes", "screen"),  # a format, and who works with it
}


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def room_of(module: str) -> str:
    """The folder right below a package that a module of ours lies in; or the loose module itself."""
    return ".".join(module.split(".")[:2])


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def relations(package: str) -> dict[str, set[str]]:
    """Which rooms of a package import which."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in (ROOT / package).rglob("*.py"):
        mine = room_of(relative(path).removesuffix(".py").replace("/", "."))
        for name in imported(path):
            if name.startswith(f"{package}.") and (other := room_of(name)) != mine:
                found[mine].add(other)
    return found


def circle(graph: dict[str, set[str]]) -> list[str]:
    """Return a way through the graph that comes back to where it began; empty if there is none."""
    done: set[str] = set()

    def walk(node: str, way: list[str]) -> list[str]:
        if node in way:
            return [*way[way.index(node) :], node]
        if node in done:
            return []
        for other in sorted(graph.get(node, ())):
            if found := walk(other, [*way, node]):
                return found
        done.add(node)
        return []

    return next((found for node in sorted(graph) if (found := walk(node, []))), [])


@pytest.mark.parametrize("package", ["pipelines", "processing", "training", "aws"])
def test_no_two_folders_import_each_other_not_even_the_long_way_round(package: str) -> None:
    assert circle(relations(package)) == []


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_has_few_loose_modules(package: str) -> None:
    loose = [path.name for path in (ROOT / package).glob("*.py") if not path.name.startswith("__")]
    assert len(loose) <= MOST_LOOSE + (3 if package == "boomerang" else 0), loose


def test_no_module_is_long_and_no_function() -> None:
    long = [relative(path) for path in SOURCES if len(path.read_text().splitlines()) > MOST_LINES]
    functions = [
        f"{relative(path)}: {node.name}"
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno + 1 > MOST_FUNCTION_LINES
    ]
    assert (long, functions) == ([], [])


def test_modules_of_one_name_mean_the_same() -> None:
    named = defaultdict(list)
    for path in SOURCES:
        if (
            not path.name.startswith("__") and "commands" not in path.parts
        ):  # which are named as they are typed
            named[path.stem].append(relative(path))
    twice = {name: files for name, files in named.items() if len(files) > 1}
    assert twice.keys() == SHARED_NAMES, twice


# ---- faces and documents


def face(package: Path) -> dict[str, str]:
    """What a package's docstring lists: lines of names, two spaces or more, and words."""
    text = ast.get_docstring(ast.parse((package / "__init__.py").read_text()), clean=True) or ""
    rows = re.findall(r"^(?: {4})?([\w/]+(?:, [\w/]+)*) {2,}(\S.*)$", text, re.M)
    return {name.strip("/"): words for names, words in rows for name in names.split(", ")}


def inside(package: Path) -> set[str]:
    """The modules and folders of a package."""
    folders = {path.name for path in package.iterdir() if (path / "__init__.py").is_file()}
    return folders | {path.stem for path in package.glob("*.py") if not path.stem.startswith("__")}


FACES = sorted({path.parent for path in SOURCES if path.name == "__init__.py"})
KINDS = {path for path in FACES if re.search(r"= Kinds\(__name__", (path / "__init__.py").read_text())}


@pytest.mark.parametrize("package", FACES, ids=relative)
def test_a_package_s_face_names_what_is_in_it(package: Path) -> None:
    """One of kinds names its folders alone: the kinds are found by their files."""
    folders = {name for name in inside(package) if (package / name).is_dir()}
    wanted = folders if package in KINDS else inside(package)
    listed = set(face(package))
    assert listed == wanted or (len(wanted) <= 1 and not listed)


def test_the_readme_s_table_and_the_architecture_page_name_the_folders_that_there_are() -> None:
    readme = (ROOT / "README.md").read_text()
    rows = re.findall(r"^\| ((?:`[\w./]+/?`(?:, )?)+) \|", readme, re.M)
    named = {name.strip("/") for row in rows for name in re.findall(r"`([\w./]+)`", row)}
    tracked = {"boomerang", "processing", "training", "aws", "pipelines", "images", "bench", "docs", "tests"}
    assert named == tracked
    page = (ROOT / "docs" / "architecture.md").read_text().partition("## The way of a picture")[0]
    rooms = set(re.findall(r"`((?:boomerang|processing|training|aws|pipelines|tests)(?:/[\w]+)*)/`", page))
    there = {relative(folder) for folder in FACES if ROOT in (folder.parent.parent, folder.parent)}
    assert rooms - {"tests"} <= {relative(folder) for folder in FACES}
    assert there - {"processing/parts"} <= rooms | {"processing/parts"}, there - rooms


def test_the_architecture_page_names_files_that_exist() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text()
    for name in re.findall(r"`((?:boomerang|processing|training|aws|pipelines)/[\w/]+\.py)`", text):
        assert (ROOT / name).is_file(), name
