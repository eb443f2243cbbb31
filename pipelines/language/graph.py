"""The steps of a definition as a flat list in the order in which they run, checked before the first does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from boomerang.errors import ConfigError, nearest
from pipelines.language.expressions import References, check_condition, references
from pipelines.language.for_each import expanded

JOBS = frozenset({"Processing", "Training"})
KINDS = JOBS | {"Condition", "Fail", "RegisterModel", "Model", "Lineage"}


@dataclass(frozen=True)
class Node:
    """One step.

    Attributes
    ----------
    name, kind : str
    step : mapping
        As in the definition.
    branch : (str, bool) or None
        The condition step that it hangs on, and which way that has to go.
    body : str
        The step of a `ForEach` body that it is one run of; empty of any other.
    """

    name: str
    kind: str
    step: Mapping[str, Any]
    branch: tuple[str, bool] | None = None
    body: str = ""

    @property
    def arguments(self) -> dict[str, Any]:
        """The step's own arguments: of a condition step, without the steps of its branches."""
        return {k: v for k, v in self.step.get("Arguments", {}).items() if k not in ("IfSteps", "ElseSteps")}

    @property
    def cacheable(self) -> bool:
        """Whether the definition lets its outputs be reused."""
        return self.kind in JOBS and bool(self.step.get("CacheConfig", {}).get("Enabled"))

    @property
    def references(self) -> References:
        """What its arguments refer to."""
        return references(self.arguments)

    @property
    def waits_for(self) -> frozenset[str]:
        """The steps that have to come before it."""
        before = self.references.steps | set(self.step.get("DependsOn", ()))
        return before | ({self.branch[0]} if self.branch else frozenset())


def ordered(definition: Mapping[str, Any]) -> list[Node]:
    """Return every step, those inside conditions and of `ForEach` bodies too, each after all it waits for.

    Among steps that could come next the definition's own order decides.

    Raises
    ------
    ConfigError
        If a step is of an unknown type, refers to something that is not there, or waits for itself.
    """
    nodes = list(flatten(definition["Steps"]))
    _check_names(nodes)
    parameters = {parameter["Name"] for parameter in definition.get("Parameters", [])}
    for node in nodes:
        _check_references(node, nodes, parameters)
    return _sorted(nodes)


def flatten(steps: Sequence[Mapping[str, Any]]) -> Iterator[Node]:
    """Yield every step, those of a condition's branches after it; for a `ForEach` the runs of its body.

    Raises
    ------
    ConfigError
        As `pipelines.language.for_each.expanded` does.
    """
    for step, body in expanded(steps):
        yield from _nodes([step], None, body)


def _nodes(
    steps: Sequence[Mapping[str, Any]], branch: tuple[str, bool] | None, body: str = ""
) -> Iterator[Node]:
    for step in steps:
        node = Node(step["Name"], step["Type"], step, branch, body)
        yield node
        if node.kind == "Condition":
            for condition in node.arguments.get("Conditions", []):
                check_condition(condition)
            yield from _nodes(step["Arguments"].get("IfSteps", []), (node.name, True))
            yield from _nodes(step["Arguments"].get("ElseSteps", []), (node.name, False))


def _check_names(nodes: Sequence[Node]) -> None:
    seen: set[str] = set()
    for node in nodes:
        if node.kind not in KINDS:
            why = f"this runner does not run steps of type {node.kind}"
            raise ConfigError(f"step {node.name}", why, f"it runs {', '.join(sorted(KINDS))}")
        if node.name in seen or "/" in node.name or node.name.startswith("."):
            raise ConfigError(f"step '{node.name}'", "two steps have that name, or it is none", "rename it")
        seen.add(node.name)


def _check_references(node: Node, nodes: Sequence[Node], parameters: set[str]) -> None:
    names = {other.name for other in nodes}
    for name in node.waits_for - names:
        raise ConfigError(f"step {node.name} refers to step '{name}'", nearest(name, names))
    for name in node.references.parameters - parameters:
        raise ConfigError(f"step {node.name} refers to parameter '{name}'", nearest(name, parameters))
    for step, file in node.references.property_files:
        maker = next(other for other in nodes if other.name == step)
        known = {entry["PropertyFileName"] for entry in maker.step.get("PropertyFiles", [])}
        if file not in known:
            raise ConfigError(
                f"step {node.name} refers to property file '{file}' of {step}", nearest(file, known)
            )


def _sorted(nodes: Sequence[Node]) -> list[Node]:
    done: dict[str, Node] = {}
    before = {node.name: node.waits_for for node in nodes}
    while len(done) < len(nodes):
        ready = next((n for n in nodes if n.name not in done and before[n.name] <= done.keys()), None)
        if ready is None:
            stuck = ", ".join(node.name for node in nodes if node.name not in done)
            raise ConfigError("the steps wait for each other", stuck, "take out one of the dependencies")
        done[ready.name] = ready
    return list(done.values())
