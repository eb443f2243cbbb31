"""Classes that are found by their kind: a package whose modules are each named as the kind of its one class.

    ATTACKS = Kinds(__name__, Attack, "attack")      in `processing/attacks/__init__.py`

A new kind is a new file there and nothing else. A kind's module is imported when it is asked for, so that one
that needs much, or is broken, costs those who do not name it nothing; for the same reason a step's key in the
cache depends on the kinds that its settings name (`pipelines.runners.process.code` reads the line above).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from pkgutil import iter_modules
from typing import Any, Generic, TypeVar

from boomerang.config import Spec, Strict, validate
from boomerang.errors import ConfigError, nearest

Kind = TypeVar("Kind", bound=Strict)


class Kinds(Mapping[str, type[Kind]], Generic[Kind]):
    """The classes of a package by their kind, in alphabetical order.

    Parameters
    ----------
    package : str
        Its dotted name. Modules in it are kinds; folders in it, and modules that begin with `_`, are not.
    base : type
        What every class of it is derived from. It has a field `kind`, whose default names the class.
    what : str
        What one of them is called in errors: "attack".
    """

    def __init__(self, package: str, base: Callable[..., Kind], what: str) -> None:
        self.package, self.base, self.what = package, base, what

    def __iter__(self) -> Iterator[str]:
        """Yield the kinds; no module is imported for that."""
        found = iter_modules(sys.modules[self.package].__path__)
        return iter(sorted(m.name for m in found if not m.ispkg and not m.name.startswith("_")))

    def __len__(self) -> int:
        return len(list(iter(self)))

    def __contains__(self, kind: object) -> bool:
        return kind in list(iter(self))

    def __getitem__(self, kind: str) -> type[Kind]:
        """Return the class of a kind.

        Raises
        ------
        KeyError
            If there is none.
        TypeError
            If its module has no class of that kind: the module has a bug.
        """
        if kind not in self:
            raise KeyError(kind)
        module = import_module(f"{self.package}.{kind}")
        for each in vars(module).values():
            if isinstance(each, type) and each.__module__ == module.__name__ and _kind_of(each) == kind:
                return each
        raise TypeError(f"{module.__file__} has no class whose `kind` is '{kind}'")

    def create(self, spec: Spec, where: str = "") -> Kind:
        """Return what an entry of a config describes, its settings checked.

        Parameters
        ----------
        spec : Spec
        where : str
            What the entry is called in errors; without it, what these classes are called.

        Raises
        ------
        ConfigError
            If there is no such kind, a setting is unknown (each with the nearest known one) or wrong.
        """
        place = where or self.what
        if spec.kind not in self:
            why = f"there is no such kind of {self.what}"
            raise ConfigError(f"{place}: kind '{spec.kind}'", why, nearest(spec.kind, self))
        return validate(self[spec.kind], spec.model_dump(), where=f"{place} ({spec.kind})")


def _kind_of(found: type[Any]) -> str | None:
    """Return the default of a class's field `kind`; None if it has none, as a base class."""
    field = getattr(found, "model_fields", {}).get("kind")
    return field.default if field is not None and isinstance(field.default, str) else None


def unique_names(names: list[str]) -> list[str]:
    """Return the names in their order, each once: of equal ones the second becomes `name-2`, and so on.

    >>> unique_names(["a", "b", "a", "a-2"])
    ['a', 'b', 'a-2', 'a-2-2']
    """
    taken: list[str] = []
    for name in names:
        candidate, number = name, 2
        while candidate in taken:
            candidate, number = f"{name}-{number}", number + 1
        taken.append(candidate)
    return taken
