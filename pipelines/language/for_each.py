"""`ForEach` steps read as what they become: the steps of their bodies, once for each item.

    Worlds (body: Preprocess, TrainBaseline; two items)
    ─▶ Preprocess-0, TrainBaseline-0, Preprocess-1, TrainBaseline-1

A body step reads its item as `ForEach.CurrentItem.FIELD`, the others of its body by their own names; any step
reads what one item has left as `Steps.Worlds.IterationOutputs[1].Preprocess...`. An item is one value, or a
JSON object as a text; a joined text may have expressions in it, each of them inside a text of the object.

The rules are those of the SageMaker Python SDK v3 (`sagemaker.mlops.workflow.for_each_step`). Items that
only become known at run time are not read here, nor is what the service tells of a whole step (`Status`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from boomerang.errors import BadInput, ConfigError
from boomerang.safeio import parse_json
from pipelines.language.expressions import gets, path_parts

FOR_EACH = "ForEach"
_CURRENT = "ForEach.CurrentItem"
_STEP = re.compile(r"Steps\.([^.\[]+)(.*)", re.DOTALL)
_OUTPUTS = re.compile(r"Steps\.([^.\[]+)\.IterationOutputs\[(\d+)\]\.([^.\[]+)(.*)", re.DOTALL)
# Stands for an expression while a joined text is read as JSON: a character that means nothing.
_MARK = "\ue000"
_MARKED = re.compile(f"{_MARK}(\\d+){_MARK}")

Step = Mapping[str, Any]


def expanded(steps: Sequence[Step]) -> list[tuple[Step, str]]:
    """Return the steps without any `ForEach`: each with the body step that it is one run of, or with none.

    Raises
    ------
    ConfigError
        If the items of a step are no list, one is no JSON, or lacks what the body reads.
    """
    loops = {step["Name"]: step["Arguments"] for step in steps if step["Type"] == FOR_EACH}
    if not loops:
        return [(step, "") for step in steps]
    children = {
        name: [
            f"{body['Name']}-{index}" for index in range(len(loop["IterableItems"])) for body in _body(loop)
        ]
        for name, loop in loops.items()
    }
    found: list[tuple[Step, str]] = []
    for step in steps:
        found += _children(step) if step["Type"] == FOR_EACH else [(step, "")]
    return [(_settled(step, loops, children), body) for step, body in found]


def child_of(body: str) -> str:
    """Return what a body step does, by its name without the number that tells one body from another.

    >>> child_of("TrainVictim2")
    'TrainVictim'
    """
    return body.rstrip("0123456789")


def _body(loop: Mapping[str, Any]) -> Sequence[Step]:
    return loop["ForEachBody"]  # type: ignore[no-any-return]


def _children(step: Step) -> Iterator[tuple[Step, str]]:
    loop = step["Arguments"]
    siblings = {body["Name"] for body in _body(loop)}
    for index, item in enumerate(items_of(step)):
        for body in _body(loop):
            before = [*step.get("DependsOn", ()), *body.get("DependsOn", ())]
            child = {**body, "Name": f"{body['Name']}-{index}"}
            child |= {"DependsOn": [_beside(each, siblings, index) for each in before]} if before else {}
            where = f"step {step['Name']}: item {index}"
            child["Arguments"] = _changed(body["Arguments"], _reader(item, siblings, index, where))
            yield child, body["Name"]


def _beside(name: str, siblings: set[str], index: int) -> str:
    return f"{name}-{index}" if name in siblings else name


def _reader(item: Any, siblings: set[str], index: int, where: str) -> Callable[[str], Any]:
    """Return what a `Get` in a body becomes for one item."""

    def read(path: str) -> Any:
        if path.startswith(_CURRENT):
            return field_of(item, path, where)
        match = _STEP.fullmatch(path)
        if match and match[1] in siblings:
            return {"Get": f"Steps.{match[1]}-{index}{match[2]}"}
        return {"Get": path}

    return read


def _settled(step: Step, loops: Mapping[str, Any], children: Mapping[str, list[str]]) -> Step:
    """Return a step that names the runs of bodies where it named a `ForEach`."""

    def settle(path: str) -> Any:
        match = _OUTPUTS.fullmatch(path)
        if match and match[1] in loops:
            return {"Get": f"Steps.{match[3]}-{match[2]}{match[4]}"}
        return {"Get": path}

    changed = {**step, "Arguments": _changed(step["Arguments"], settle)}
    if "DependsOn" in step:
        changed["DependsOn"] = [each for name in step["DependsOn"] for each in children.get(name, [name])]
    return changed


def _changed(value: Any, change: Callable[[str], Any]) -> Any:
    """Return a value in which every `Get` is changed."""
    if isinstance(value, Mapping):
        if set(value) == {"Get"} and isinstance(value["Get"], str):
            return change(value["Get"])
        return {key: _changed(inner, change) for key, inner in value.items()}
    if isinstance(value, list):
        return [_changed(inner, change) for inner in value]
    return value


def items_of(step: Step) -> list[Any]:
    """Return the items of a `ForEach` step; raises ConfigError as `item_of`, and where they are no list."""
    given = step["Arguments"]["IterableItems"]
    if not isinstance(given, list):
        why = "its items are known at run time only, and this reads them beforehand"
        raise ConfigError(f"step {step['Name']}", why, "list the items in the definition")
    return [item_of(value, f"step {step['Name']}: item {index}") for index, value in enumerate(given)]


def item_of(value: Any, where: str) -> Any:
    """Return an item: a JSON object if it is one as a text, in which expressions stay what they are.

    Raises
    ------
    ConfigError
        If it is a list or an object itself, or begins as a JSON object and is none.
    """
    if isinstance(value, list) or (isinstance(value, Mapping) and not any(gets(value))):
        raise ConfigError(where, f"{value!r:.60} is no single value", "write an object as a text")
    parts = _parts(value)
    text = "".join(
        part if isinstance(part, str) else f"{_MARK}{number}{_MARK}" for number, part in enumerate(parts)
    )
    if not text.startswith("{"):
        return value
    try:
        return _unmarked(parse_json(text.encode(), where), parts)
    except BadInput as error:
        raise ConfigError(where, error.why, "write a JSON object") from None


def _parts(value: Any) -> list[Any]:
    """Return the parts of a joined text; of anything else, itself."""
    match value:
        case {"Std:Join": {"Values": [*parts], **rest}} if not rest.get("On"):
            return parts
    return [value]


def _unmarked(value: Any, parts: Sequence[Any]) -> Any:
    """Return read JSON with its expressions in it again."""
    if isinstance(value, dict):
        return {key: _unmarked(inner, parts) for key, inner in value.items()}
    if isinstance(value, list):
        return [_unmarked(inner, parts) for inner in value]
    if not isinstance(value, str) or _MARK not in value:
        return value
    pieces = [parts[int(piece)] if number % 2 else piece for number, piece in enumerate(_MARKED.split(value))]
    whole = [piece for piece in pieces if piece != ""]
    return whole[0] if len(whole) == 1 else {"Std:Join": {"On": "", "Values": whole}}


def field_of(item: Any, path: str, where: str) -> Any:
    """Return what `ForEach.CurrentItem...` is of an item; raises ConfigError where it has no such field."""
    value = item
    for part in path_parts(path)[2:]:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            has = ", ".join(map(str, item)) if isinstance(item, dict) else "no fields"
            raise ConfigError(f"{where} has no field '{part}'", f"it has {has}", "give it one") from None
    return value


def fields_read(body: Any) -> list[str]:
    """Return every path by which a body reads its item."""
    return sorted({path for path in gets(body) if path.startswith(_CURRENT)})
