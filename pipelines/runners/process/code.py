"""Which code a step runs: the digest of its own sources and of the libraries it stands on.

A step's key in the cache depends on the files that its entry module imports, directly or not, and on
no others: a change of `processing/evaluate.py` trains no model again. Imports are read from the
source, wherever they stand in it; nothing is executed. An import that cannot be read (its name is
computed) counts as an import of the whole package that it stands in.
"""

from __future__ import annotations

import ast
import platform
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path

from boomerang.digest import digest_json, sha256_file

_PACKAGES = ("boomerang", "processing", "training", "aws")
_DISTRIBUTIONS = (
    *("tensorflow", "tensorflow-cpu", "keras", "numpy", "scipy", "scikit-learn", "pillow"),
    *("adversarial-robustness-toolbox", "pydantic", "matplotlib", "cryptography"),
)
_DYNAMIC = ("import_module", "__import__", "iter_modules", "walk_packages")
_NO_SOURCE = (".pyc", ".pyo")


@dataclass(frozen=True)
class Code:
    """The code of a step.

    Attributes
    ----------
    files : dict
        Digest of each source and data file of ours, by its path in the project.
    versions : dict
        Of Python and of the libraries whose numbers end up in results.
    libraries : frozenset of str
        Names of the foreign packages that the sources import, anywhere in them.
    """

    files: dict[str, str]
    versions: dict[str, str]
    libraries: frozenset[str]

    @property
    def digest(self) -> str:
        """One digest of files and versions."""
        return digest_json([self.files, self.versions])


def code_of(module: str | None, project: Path) -> Code:
    """Return the code that `python -m module` runs; without a module, all code of the project's jobs.

    Parameters
    ----------
    module : str or None
    project : Path
        The folder that the packages lie in.
    """
    start = _files_of(module, project) if module else set()
    if not start:
        start = {file for package in _PACKAGES for file in (project / package).rglob("*.py")}
    sources, libraries = _closure(start, project)
    files = sources | {file for source in sources for file in _data_beside(source)}
    return Code(
        files={f.relative_to(project).as_posix(): sha256_file(f) for f in sorted(files)},
        versions=_versions(),
        libraries=frozenset(libraries),
    )


def _closure(start: set[Path], project: Path) -> tuple[set[Path], set[str]]:
    sources: set[Path] = set()
    libraries: set[str] = set()
    todo = set(start)
    while todo:
        source = todo.pop()
        sources.add(source)
        for name in _imports(source, project):
            found = _files_of(name, project)
            todo |= found - sources
            if not found:
                libraries.add(name.split(".")[0])
    return sources, libraries


def _files_of(name: str, project: Path) -> set[Path]:
    """Return the files that importing a dotted name runs: its packages' and its own; none if foreign.

    The last part may also be something inside a module, which adds nothing.
    """
    found: set[Path] = set()
    folder = project
    for part in name.split("."):
        if (folder / f"{part}.py").is_file():
            return found | {folder / f"{part}.py"}
        folder = folder / part
        if not folder.is_dir():
            break
        found |= {file for file in (folder / "__init__.py", folder / "__main__.py") if file.is_file()}
    return found


def _imports(source: Path, project: Path) -> Iterator[str]:
    """Give the dotted name of everything a file imports, with what it takes out of it."""
    text = source.read_bytes()
    package = source.relative_to(project).parent.parts
    for kind, name, level in _statements(text):
        if kind == "whole":
            yield from (
                ".".join(file.relative_to(project).with_suffix("").parts)
                for file in source.parent.rglob("*.py")
            )
        elif level:
            yield ".".join((*package[: len(package) - level + 1], *(part for part in [name] if part)))
        else:
            yield name


@cache
def _statements(text: bytes) -> tuple[tuple[str, str, int], ...]:
    """Return the imports of a source as (kind, dotted name, level of a relative one)."""
    found: list[tuple[str, str, int]] = []
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return ()  # the job itself will say so
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [("import", alias.name, 0) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            found += [("import", f"{base}.{alias.name}".strip("."), node.level) for alias in node.names]
        elif isinstance(node, ast.Call) and _called(node) in _DYNAMIC:
            argument = node.args[0] if node.args else None
            literal = isinstance(argument, ast.Constant) and isinstance(argument.value, str)
            found.append(("import", argument.value, 0) if literal else ("whole", "", 0))  # type: ignore[union-attr]  # literal says what it is
    return tuple(found)


def _called(node: ast.Call) -> str:
    return getattr(node.func, "attr", getattr(node.func, "id", ""))


def _data_beside(source: Path) -> Iterator[Path]:
    """Give the files of a package that are no Python, such as a mesh: its code may read them."""
    for path in source.parent.iterdir():
        if path.is_file() and path.suffix not in (".py", *_NO_SOURCE):
            yield path
        elif path.is_dir() and path.name != "__pycache__" and not any(path.glob("*.py")):
            yield from (file for file in path.rglob("*") if file.is_file())


@cache
def _versions() -> dict[str, str]:
    found = {"python": platform.python_version(), "machine": platform.machine()}
    for name in _DISTRIBUTIONS:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found
