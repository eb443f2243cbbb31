"""What is said of a setting: its type with its limits, its default, and the words of the docstring."""

from __future__ import annotations

import inspect
import re
from typing import Any, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

_SIGNS = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}
# What a docstring says of a setting that a class has explained that it is derived from.
_ELSEWHERE = "See `"
_NAMED = re.compile(r"([a-z_]+(?:, [a-z_]+)*)(?: : .*)?")


def type_words(field: FieldInfo) -> str:
    """Return the type as a person writes it, its choices in Markdown's code marks."""
    items = get_args(field.annotation)
    if get_origin(field.annotation) is tuple and items[1:] == (...,):
        return f"tuple of {type_words(_item(items[0]))}"
    text = str(field.annotation)
    if match := re.search(r"Literal\[(.*?)\]", text):
        return "one of " + match[1].replace("'", "`").replace("|", "\\|")
    if inspect.isclass(field.annotation):
        text = field.annotation.__name__
    known = [(sign, getattr(part, key, None)) for part in field.metadata for key, sign in _SIGNS.items()]
    limits = ", ".join(f"{sign} {limit}" for sign, limit in known if limit is not None)
    text = text.replace("|", "or")
    return f"{text} ({limits})" if limits else text


def _item(annotation: Any) -> FieldInfo:
    """Return the items of a tuple as a field."""
    found: FieldInfo = FieldInfo.from_annotation(annotation)
    return found


def default_words(field: FieldInfo) -> str:
    """Return the default, or that there is none."""
    return "required" if field.is_required() else f"`{field.default!r}`"


def text_of(model: type[BaseModel]) -> str:
    """Return the docstring without the list of its parameters."""
    return re.split(r"\n(?:Attributes|Parameters)\n-+\n", _doc(model), maxsplit=1)[0].strip()


def setting_texts(model: type[BaseModel]) -> dict[str, str]:
    """Return what the docstrings of a class, and of those that it is derived from, say of each setting."""
    found: dict[str, str] = {}
    for each in model.__mro__:
        if issubclass(each, BaseModel):
            found = {**_listed(each), **found}
    return found


def _listed(model: type[BaseModel]) -> dict[str, str]:
    _, *lists = re.split(r"(?:^|\n)(?:Attributes|Parameters)\n-+\n", _doc(model), maxsplit=1)
    found: dict[str, str] = {}
    names: list[str] = []
    for line in "".join(lists).splitlines():
        if line.startswith("    "):
            found |= {name: f"{found.get(name, '')} {line.strip()}".strip() for name in names}
        elif match := _NAMED.fullmatch(line):
            names = match[1].split(", ")
    return {name: text for name, text in found.items() if not text.startswith(_ELSEWHERE)}


def _doc(model: type[BaseModel]) -> str:
    return inspect.cleandoc(model.__dict__.get("__doc__") or "")
