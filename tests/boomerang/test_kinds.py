"""Classes found by their kind, in packages made for the purpose."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from boomerang.config import Spec, Strict
from boomerang.errors import ConfigError
from boomerang.kinds import Kinds, unique_names

PACKAGE = "kinds_of_shapes"
BASE = "from typing import Literal\nfrom boomerang.config import Strict\n"


class Shape(Strict):
    kind: str


@pytest.fixture
def shapes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kinds[Shape]]:
    """A package with a square, something broken, and what is no kind."""
    folder = tmp_path / PACKAGE
    (folder / "common").mkdir(parents=True)
    files = {
        "__init__.py": "",
        "_drawing.py": "",
        "common/__init__.py": "",
        "square.py": f"{BASE}class Square(Strict):\n"
        '    kind: Literal["square"] = "square"\n    side_px: int = 1\n',
        "broken.py": "raise RuntimeError('it was imported')\n",
        "nothing.py": f'{BASE}class Circle(Strict):\n    kind: Literal["circle"] = "circle"\n',
    }
    for name, text in files.items():
        (folder / name).write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    package = ModuleType(PACKAGE)
    package.__path__ = [str(folder)]
    monkeypatch.setitem(sys.modules, PACKAGE, package)
    yield Kinds(PACKAGE, Shape, "shape")
    for name in [name for name in sys.modules if name.startswith(PACKAGE)]:
        del sys.modules[name]


def test_every_module_is_a_kind_but_folders_and_what_begins_with_an_underscore(shapes: Kinds[Shape]) -> None:
    assert list(shapes) == ["broken", "nothing", "square"] and len(shapes) == 3
    assert "square" in shapes and "_drawing" not in shapes and "common" not in shapes


def test_a_kind_is_created_with_its_settings_checked(shapes: Kinds[Shape]) -> None:
    made = shapes.create(Spec(kind="square", side_px=7))
    assert made.model_dump() == {"kind": "square", "side_px": 7}
    with pytest.raises(ConfigError, match=r"unknown key 'side' in shape 2 \(square\).*\n?.*'side_px'"):
        shapes.create(Spec(kind="square", side=7), "shape 2")
    with pytest.raises(ConfigError, match=r"kind 'sqare'.*no such kind of shape\n.*'square'"):
        shapes.create(Spec(kind="sqare"))


def test_a_broken_kind_costs_those_who_do_not_name_it_nothing(shapes: Kinds[Shape]) -> None:
    assert shapes["square"].__name__ == "Square"
    with pytest.raises(RuntimeError, match="it was imported"):
        _ = shapes["broken"]


def test_a_module_without_a_class_of_its_kind_is_a_bug_that_is_named(shapes: Kinds[Shape]) -> None:
    with pytest.raises(TypeError, match=r"nothing\.py has no class whose `kind` is 'nothing'"):
        _ = shapes["nothing"]
    with pytest.raises(KeyError):
        _ = shapes["circle"]


def test_a_file_that_is_put_there_is_found(shapes: Kinds[Shape], tmp_path: Path) -> None:
    text = f'{BASE}class Star(Strict):\n    kind: Literal["star"] = "star"\n'
    (tmp_path / PACKAGE / "star.py").write_text(text)
    assert "star" in shapes and shapes["star"].__name__ == "Star"


@pytest.mark.parametrize(
    ("names", "unique"),
    [
        ([], []),
        (["a", "b"], ["a", "b"]),
        (["a", "a", "a"], ["a", "a-2", "a-3"]),
        (["a", "a-2", "a"], ["a", "a-2", "a-3"]),
    ],
)
def test_names_are_made_unique_in_order(names: list[str], unique: list[str]) -> None:
    assert unique_names(names) == unique
