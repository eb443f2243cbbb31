"""Lineage steps: each entity as the request that it becomes, and associations between what there is.

The service makes the entities of a step first and its associations then; a name and a type mean an entity of
the same step (`workflow.lineage_step` of the SDK). One that is not there fails the execution, at its end.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from boomerang.findings import Problem
from pipelines.check.arguments import listed
from pipelines.check.problems import below
from pipelines.check.service import request_shape
from pipelines.language.graph import Node
from pipelines.runs.lineage import ENTITIES

KIND = "Lineage"
ASSOCIATIONS = "Associations"
# The association's own arguments; the ends of one are by name, or the ARNs of its request.
TYPE, ENDS = "AssociationType", ("Source", "Destination")
_END_OF = {"Source": "SourceArn", "Destination": "DestinationArn"}


def requests_of(node: Node) -> Iterator[tuple[str, Any, Any]]:
    """Yield a field of a Lineage step, what is there, and the shape that it is to be of."""
    for key, (entity, _, _) in ENTITIES.items():
        for index, entry in enumerate(listed(node.arguments.get(key))):
            yield f"{key}[{index}]", entry, request_shape(f"Create{entity}")
    members = request_shape("AddAssociation").members
    for index, entry in enumerate(listed(node.arguments.get(ASSOCIATIONS))):
        field = f"{ASSOCIATIONS}[{index}]"
        if TYPE in entry:
            yield below(field, TYPE), entry[TYPE], members[TYPE]
        for end in ENDS:
            if isinstance(entry.get(end), Mapping) and "Arn" in entry[end]:
                yield f"{field}.{end}.Arn", entry[end]["Arn"], members[_END_OF[end]]


def check_siblings(node: Node) -> Iterator[Problem]:
    """Yield associations of an entity that the step does not make."""
    made = {kind: {_text(name) for _, name in _named(node, kind)} for kind in ENTITIES}
    known = {entity: made[kind] for kind, (entity, _, _) in ENTITIES.items()}
    for index, entry in enumerate(listed(node.arguments.get(ASSOCIATIONS))):
        for end in ENDS:
            yield from _check_end(node.name, f"{ASSOCIATIONS}[{index}].{end}", entry.get(end), known)


def _check_end(step: str, field: str, end: Any, known: Mapping[str, set[str]]) -> Iterator[Problem]:
    if not isinstance(end, Mapping) or not (set(end) == {"Arn"} or set(end) == {"Name", "Type"}):
        yield Problem(step, field, "needs an Arn, or a Name and a Type")
    elif "Type" in end and str(end["Type"]) not in known:
        yield Problem(step, below(field, "Type"), f"'{end['Type']}' is none of {', '.join(known)}")
    elif "Type" in end and _text(end["Name"]) not in known[str(end["Type"])]:
        yield Problem(step, below(field, "Name"), f"the step makes no {end['Type']} {_shown(end['Name'])}")


def check_names(node: Node) -> Iterator[Problem]:
    """Yield entities that have the name of another, and those whose name is the same in every run.

    CreateArtifact, CreateAction and CreateContext, API reference: the name "must be unique to your account in
    an AWS Region".
    """
    for kind in ENTITIES:
        named = list(_named(node, kind))
        texts = [_text(name) for _, name in named]
        for field, name in named:
            if texts.count(_text(name)) > 1:
                yield Problem(
                    node.name, field, f"{texts.count(_text(name))} entities are called {_shown(name)}"
                )
            if isinstance(name, str):
                yield Problem(node.name, field, f"{_shown(name)} is the same in every run; names are unique")


def _named(node: Node, kind: str) -> Iterator[tuple[str, Any]]:
    """Yield the field of each entity's name, and the name."""
    key = ENTITIES[kind][1]
    for index, entry in enumerate(listed(node.arguments.get(kind))):
        if key in entry:
            yield f"{kind}[{index}].{key}", entry[key]


def _text(name: Any) -> str:
    return json.dumps(name, sort_keys=True)


def _shown(name: Any) -> str:
    """Return a name that may be an expression: of a joined one the parts that are known."""
    joined = name.get("Std:Join") if isinstance(name, Mapping) else None
    values = joined.get("Values") if isinstance(joined, Mapping) else None
    if isinstance(values, list):
        return "'" + "-".join(part if isinstance(part, str) else "..." for part in values) + "'"
    return f"{name!r:.60}"
