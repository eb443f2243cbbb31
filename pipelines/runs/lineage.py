"""What a Lineage step records, as a file of the run: the graph that it makes on AWS, with content digests.

    <run>/lineage.json

An artifact is a thing at an address, an action a step. Associations lead from what was to what came of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from pydantic import ConfigDict, Field, ValidationError

from boomerang.config import Strict
from boomerang.errors import StepFailed

LINEAGE = "lineage.json"

# The keys of the arguments, what an entry of them is, and the key of its name and of its type.
ENTITIES: Mapping[str, tuple[str, str, str]] = {
    "Actions": ("Action", "ActionName", "ActionType"),
    "Artifacts": ("Artifact", "ArtifactName", "ArtifactType"),
    "Contexts": ("Context", "ContextName", "ContextType"),
}


class Entity(Strict):
    """One artifact, action or context.

    Attributes
    ----------
    name : str
        Unique among those of its kind.
    entity, type : str
    uri : str
        Its source.
    digest : str or None
        As the definition says it: the content of a manifest or a model.
    content : str or None
        Of the files at the address, where this run has them.
    signed : bool
        Whether a signature of it is there.
    properties : mapping of str to str
    """

    # As SageMaker does: it takes no number where it wants a text.
    model_config = ConfigDict(coerce_numbers_to_str=False)

    name: str
    entity: Literal["Artifact", "Action", "Context"]
    type: str
    uri: str
    digest: str | None = None
    content: str | None = None
    signed: bool = False
    properties: dict[str, str] = Field(default_factory=dict)


class Association(Strict):
    """That one entity led to another: source and destination by name, or by ARN."""

    source: str
    destination: str
    type: str


class Lineage(Strict):
    """The whole of `lineage.json`."""

    format: int = 1
    run: str
    step: str
    entities: tuple[Entity, ...]
    associations: tuple[Association, ...]


def lineage_of(
    step: str,
    arguments: Mapping[str, Any],
    *,
    run: str,
    content: Callable[[str], str | None],
    signed: Callable[[str], bool],
) -> Lineage:
    """Return what a Lineage step records.

    Parameters
    ----------
    step, run : str
    arguments : mapping
        Of the step, resolved.
    content : callable
        Returns the digest of what lies at an address, or None.
    signed : callable
        Whether a signature lies at an address.

    Raises
    ------
    StepFailed
        If an entity lacks something, two have one name, or an association is of an entity that the step
        does not make.
    """
    try:
        entities = [
            _entity(kind, entry, content, signed) for kind in ENTITIES for entry in arguments.get(kind, [])
        ]
        _check_names(step, entities)
        known: set[tuple[str, str]] = {(entity.entity, entity.name) for entity in entities}
        associations = [_association(step, entry, known) for entry in arguments.get("Associations", [])]
    except KeyError as error:
        raise StepFailed(f"step {step}", f"its arguments lack {error}") from None
    except ValidationError as error:
        why = f"{'.'.join(map(str, error.errors()[0]['loc']))}: {error.errors()[0]['msg']}"
        raise StepFailed(f"step {step}", why) from None
    return Lineage(run=run, step=step, entities=tuple(entities), associations=tuple(associations))


def _entity(
    kind: str, entry: Mapping[str, Any], content: Callable[[str], str | None], signed: Callable[[str], bool]
) -> Entity:
    entity, name, kind_of = ENTITIES[kind]
    properties, uri = dict(entry.get("Properties", {})), entry["Source"]["SourceUri"]
    signature = properties.get("Signature")
    return Entity.model_validate(
        {
            "name": entry[name],
            "entity": entity,
            "type": entry[kind_of],
            "uri": uri,
            "digest": properties.get("Digest"),
            "content": content(uri) if entity == "Artifact" else None,
            "signed": signature is not None and signed(signature),
            "properties": properties,
        }
    )


def _check_names(step: str, entities: Sequence[Entity]) -> None:
    names = [(entity.entity, entity.name) for entity in entities]
    for kind, name in names:
        if names.count((kind, name)) > 1:
            raise StepFailed(f"step {step}", f"it makes two of {kind} '{name}'")


def _association(step: str, entry: Mapping[str, Any], known: set[tuple[str, str]]) -> Association:
    ends = [_end(step, entry[key], known) for key in ("Source", "Destination")]
    return Association(
        source=ends[0], destination=ends[1], type=entry.get("AssociationType", "AssociatedWith")
    )


def _end(step: str, end: Mapping[str, Any], known: set[tuple[str, str]]) -> str:
    if "Arn" in end:
        return str(end["Arn"])
    if (end["Type"], end["Name"]) not in known:
        raise StepFailed(
            f"step {step}", f"an association is of {end['Type']} '{end['Name']}', which it lacks"
        )
    return str(end["Name"])


def said(lineage: Lineage) -> str:
    """Return in words how much was recorded."""
    counted = Counter(f"{entity.entity.lower()}s" for entity in lineage.entities)
    counted["associations"] = len(lineage.associations)
    return ", ".join(f"{kind}: {count}" for kind, count in counted.items())


def properties(lineage: Lineage) -> dict[str, dict[str, str]]:
    """Return what other steps may read of the step: the ARN of each entity by its name.

    There are no ARNs here; the entity's name within the run stands for it.
    """
    kinds = {"Action": "ActionArns", "Artifact": "ArtifactArns", "Context": "ContextArns"}
    return {
        key: {each.name: f"{lineage.run}/{each.name}" for each in lineage.entities if each.entity == entity}
        for entity, key in kinds.items()
    }
