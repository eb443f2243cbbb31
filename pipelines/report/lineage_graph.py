"""The lineage of a run's package as the report has it: things in the order of the steps that made them."""

from __future__ import annotations

from typing import Any

from pipelines.runs.lineage import Entity, Lineage

_KINDS = {
    "DataSet": "data",
    "Model": "model",
    "Settings": "config",
    "Screen": "screen",
    "Evaluation": "numbers",
    "ModelPackage": "package",
}


def build(lineage: Lineage | None) -> dict[str, Any] | None:
    """Return the graph: steps, and things with who made and who read them; None if nothing was registered.

    Returns
    -------
    mapping
        `steps`, names in the order in which they ran; `signed`, how many things are; `things`, each with
        `id`, `title`, `kind`, `digest`, `signed`, `made_by` (None: it came from outside), `read_by`,
        `derived_from` and `column`: how many steps come before it.
    """
    if lineage is None:
        return None
    graph = _Graph(lineage)
    things = [graph.thing(entity) for entity in lineage.entities if entity.entity == "Artifact"]
    return {
        "steps": graph.steps,
        "signed": sum(thing["signed"] for thing in things),
        "things": sorted(things, key=lambda thing: (thing["column"], thing["made_by"] is None)),
    }


class _Graph:
    def __init__(self, lineage: Lineage) -> None:
        self.run = lineage.run
        self.steps = [self._short(each.name) for each in lineage.entities if each.entity == "Action"]
        self.edges = [
            (self._short(each.source), self._short(each.destination), each.type)
            for each in lineage.associations
        ]

    def _short(self, name: str) -> str:
        """Return a name without the run, which is in every one of them."""
        return name.removesuffix(f"-{self.run}")

    def thing(self, entity: Entity) -> dict[str, Any]:
        name = self._short(entity.name)
        made_by = next((a for a, b, kind in self.edges if b == name and kind == "Produced"), None)
        read_by = [step for step in self.steps if (name, step, "ContributedTo") in self.edges]
        return {
            "id": name,
            "title": entity.properties.get("Title", name),
            "kind": _KINDS.get(entity.type, entity.type.lower()),
            "digest": entity.digest or entity.content,
            "signed": entity.signed,
            "made_by": made_by,
            "read_by": read_by,
            "derived_from": [a for a, b, kind in self.edges if b == name and kind == "DerivedFrom"],
            "column": self._column(made_by, read_by),
        }

    def _column(self, made_by: str | None, read_by: list[str]) -> int:
        """Return how many steps lie before a thing: what came from outside is as late as it may be."""
        if made_by in self.steps:
            return self.steps.index(str(made_by)) + 1
        return min((self.steps.index(step) for step in read_by), default=0)
