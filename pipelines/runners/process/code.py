"""Which code a step runs: the digest of its own sources and of the libraries it stands on.

A step's key in the cache depends on the files that its entry module imports, directly or not, and on
no others: a change of `processing/evaluate.py` trains no model again. Imports are read from the
source, wherever they stand in it but under `if TYPE_CHECKING:`; nothing is executed. An import that cannot be
read (its name is computed) counts as an import of the whole package that it stands in, or that its name
begins with.

A package of kinds (`NAME = Kinds(__name__, Base, "what")`, see `boomerang.kinds`) imports a module when it is
asked for by name, and the names are in the step's settings: a module that they do not name is not in its key.
"""

from __future__ import annotations

import ast
import platform
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path

from boomerang.digest import digest_json, sha256_file
from boomerang.safeio import parse_python

_PACKAGES = ("boomerang", "processing", "training", "aws")
_DISTRIBUTIONS = (
    *("tensorflow", "tensorflow-cpu", "keras", "numpy", "scipy", "scikit-learn", "pillow"),
    *("adversarial-robustness-toolbox", "pydantic", "matplotlib", "cryptography"),
)
_DYNAMIC = ("import_module", "__import__", "iter_modules", "walk_packages")
# What it imports is read where it is called.
_KINDS, _KINDS_FILE = "Kinds", "boomerang/kinds.py"
# Who reads a file beside itself says one of these.
_READS_DATA = (b"__file__", b"importlib.resources", b"get_data")
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


def code_of(module: str | None, project: Path, named: Collection[str] | None = None) -> Code:
    """Return the code that `python -m module` runs; without a module, all code of the project's jobs.

    Parameters
    ----------
    module : str or None
    project : Path
        The folder that the packages lie in.
    named : collection of str, optional
        The kinds that the settings name, among other words. Without it, they are not known and all may be.
    """
    start = _files_of(f"{module}.__main__", project) if module else set()
    if not start:
        named = None
        start = {file for package in _PACKAGES for file in (project / package).rglob("*.py")}
    sources, libraries = _closure(start, project, named)
    files = sources | {file for source in sources for file in _data_beside(source)}
    return Code(
        files={f.relative_to(project).as_posix(): sha256_file(f) for f in sorted(files)},
        versions=_versions(),
        libraries=frozenset(libraries),
    )


def _closure(start: set[Path], project: Path, named: Collection[str] | None) -> tuple[set[Path], set[str]]:
    sources: set[Path] = set()
    names: set[str] = set()
    libraries: set[str] = set()
    todo = set(start)
    while todo:
        source = todo.pop()
        sources.add(source)
        new = set(_imports(source, project, named)) - names
        names |= new
        for name in new:
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
        if (folder / "__init__.py").is_file():
            found.add(folder / "__init__.py")
    return found


def _imports(source: Path, project: Path, named: Collection[str] | None) -> Iterator[str]:
    """Give the dotted name of everything a file imports, with what it takes out of it."""
    package = source.relative_to(project).parent.parts
    for kind, name, level in _statements(source.read_bytes()):
        if kind == "kinds" and source.name == "__init__.py":
            yield from (_dotted(file, project) for file in _kinds_in(source.parent, named))
        elif kind in ("whole", "kinds"):
            if source != project / _KINDS_FILE:
                yield from (_dotted(file, project) for file in source.parent.rglob("*.py"))
        elif kind == "below":
            inside = project.joinpath(*name.split(".")).rglob("*.py")
            yield from (name, *(_dotted(file, project) for file in inside))
        elif level:
            yield ".".join((*package[: len(package) - level + 1], *(part for part in [name] if part)))
        else:
            yield name


def _dotted(file: Path, project: Path) -> str:
    return ".".join(file.relative_to(project).with_suffix("").parts)


def _kinds_in(folder: Path, named: Collection[str] | None) -> Iterator[Path]:
    """Give the modules of a package of kinds that are named; all of them where that is not known."""
    for file in folder.glob("*.py"):
        if not file.name.startswith("_") and (named is None or file.stem in named):
            yield file


@cache
def _statements(text: bytes) -> tuple[tuple[str, str, int], ...]:
    """Return the imports of a source as (kind, dotted name, level of a relative one)."""
    try:
        tree = parse_python(text)
    except (SyntaxError, ValueError):
        return ()  # the job itself will say so
    return tuple(found for node in _run(tree) for found in _read(node))


def _run(node: ast.AST) -> Iterator[ast.AST]:
    """Give a node and all below it, without what stands there for a type checker alone."""
    yield node
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and _name(child.test) == "TYPE_CHECKING":
            for other in child.orelse:
                yield from _run(other)
        else:
            yield from _run(child)


def _read(node: ast.AST) -> Iterator[tuple[str, str, int]]:
    """Give what one node of a source imports."""
    match node:
        case ast.Import(names=names):
            yield from (("import", alias.name, 0) for alias in names)
        case ast.ImportFrom(module=module, names=names, level=level):
            yield from (("import", f"{module or ''}.{alias.name}".strip("."), level) for alias in names)
            if any(alias.name == _KINDS and alias.asname for alias in names):
                yield "whole", "", 0  # its calls have a name that is not looked for
        case ast.ClassDef(bases=bases) if _KINDS in map(_name, bases):
            yield "whole", "", 0  # the same
        case ast.Call(func=func, args=[ast.Name("__name__"), *_]) if _name(func) == _KINDS:
            yield "kinds", "", 0
        case ast.Call(func=func) if _name(func) == _KINDS:
            yield "whole", "", 0
        case ast.Call(func=func, args=[ast.Constant(str(name)), *_]) if _name(func) in _DYNAMIC:
            yield "import", name, 0
        case ast.Call(func=func, args=[ast.JoinedStr(values=[ast.Constant(str(name)), *_]), *_]) if (
            _name(func) in _DYNAMIC and "." in name
        ):
            yield "below", name.rpartition(".")[0], 0
        case ast.Call(func=func) if _name(func) in _DYNAMIC:
            yield "whole", "", 0


def _name(node: ast.expr) -> str:
    """Return the last part of a name: `Kinds` of `kinds.Kinds` and of `Kinds[Attack]`."""
    inner = node.value if isinstance(node, ast.Subscript) else node
    return str(getattr(inner, "attr", getattr(inner, "id", "")))


def _data_beside(source: Path) -> Iterator[Path]:
    """Give the files beside a source that are no Python, such as a mesh, if it reads any."""
    text = source.read_bytes()
    if not any(word in text for word in _READS_DATA):
        return
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
