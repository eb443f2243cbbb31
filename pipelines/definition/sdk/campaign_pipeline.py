"""A campaign as one pipeline: what cells share runs once, the rest once for each cell.

    Worlds   Preprocess, TrainBaseline   for each data, seed and training of a clean model
    Attacks  Poison, TrainVictim         for each attack on one of them
    Screens  Screen                      for each screen of one of these
    Cells    Harden, Evaluate            for each cell

Each is a `ForEach` step, or several: its body is the same for all items, so items of another shape (without
photographs, say, or without a hardened model) are another step's, and one step takes 100. Their names, and
those of the steps in their bodies, end in a number from the second on.

What differs between the items of a step is in the items, and the rest in the body. An item names what an
earlier item has left by that step's `IterationOutputs`, as SageMaker knows it: so an address of a run is
written nowhere, and what an earlier execution made is reused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeVar

from boomerang.errors import ConfigError
from pipelines.campaign.member import NAME, Member
from pipelines.campaign.site import Site
from pipelines.campaign.staging import Inputs
from pipelines.definition.sdk.imports import (
    CurrentItem,
    ExecutionVariables,
    ForEachStep,
    Join,
    Pipeline,
    Step,
)
from pipelines.definition.sdk.item_sketch import Leaf, Made, Sketch, leaves, with_leaves
from pipelines.definition.sdk.jobs import Job, Training, Variable, job_step
from pipelines.definition.sdk.json_text import Text, joined
from pipelines.definition.sdk.steps import draw_attack, draw_cell, draw_screen, draw_world

# `MAX_LITERAL_ITERABLE_ITEMS` and `MAX_CONCURRENCY_MAX` of the SDK's `for_each_step`.
MOST_ITEMS, MOST_AT_ONCE = 100, 50
# SageMaker's quotas, "Maximum number of steps in a pipeline".
MOST_STEPS = 50

WORLDS, ATTACKS, SCREENS, CELLS = "Worlds", "Attacks", "Screens", "Cells"

Left = TypeVar("Left")


@dataclass(frozen=True)
class _Item:
    name: str
    sketch: Sketch
    left: Any


@dataclass
class _Level:
    """What runs once for each of several items."""

    title: str
    items: dict[str, _Item] = field(default_factory=dict)

    def add(self, sketch: Sketch, draw: Callable[[Sketch], Left], name: str = "") -> Left:
        """Draw an item and return what it leaves; one without a name is the same as its twin."""
        left = draw(sketch)
        item = _Item(name or str(len(self.items)), sketch, left)
        return self.items.setdefault(name or sketch.content, item).left  # type: ignore[no-any-return]

    def groups(self) -> Iterator[list[_Item]]:
        """Yield the items by their shapes, no more of them than one step takes."""
        shapes: dict[str, list[_Item]] = {}
        for item in self.items.values():
            shapes.setdefault(item.sketch.shape, []).append(item)
        for items in shapes.values():
            for start in range(0, len(items), MOST_ITEMS):
                yield items[start : start + MOST_ITEMS]


def draw_campaign(
    name: str,
    members: Sequence[tuple[Member, Inputs]],
    site: Site,
    session: Any,
    max_concurrency: int,
) -> Pipeline:
    """Return the SDK's pipeline of a campaign.

    Parameters
    ----------
    name : str
        The campaign's, which its addresses are below.
    members : sequence of (Member, Inputs)
        The cells, each with what it reads of this machine; see `pipelines.campaign.member.check_members`.
    site : Site
    session : Any
        Of the SDK's.
    max_concurrency : int
        Jobs that each `ForEach` step runs at once.

    Raises
    ------
    ConfigError
        If that is none that SageMaker takes, or the cells are of too many shapes.
    """
    if not 1 <= max_concurrency <= MOST_AT_ONCE:
        why = f"SageMaker takes 1 to {MOST_AT_ONCE} steps at once"
        raise ConfigError(f"{max_concurrency} at once", why, f"give 1 to {MOST_AT_ONCE}")
    levels = _sketched(members, site)
    drawing = _Drawing(f"{site.root}/{name}/runs", site, session, max_concurrency)
    steps = [
        drawing.loop(level.title, str(number) if number > 1 else "", items)
        for level in levels
        for number, items in enumerate(level.groups(), 1)
    ]
    if len(steps) > MOST_STEPS:
        why = f"its cells need {len(steps)} ForEach steps, and a pipeline has {MOST_STEPS} steps at most"
        raise ConfigError(f"campaign {name}", why, "start it as several campaigns")
    first = next(iter(levels[0].items.values())).sketch
    parameters = [*first.limits.values(), *first.instances.values()]
    return Pipeline(name=name, parameters=parameters, steps=steps, sagemaker_session=session)


def _sketched(members: Sequence[tuple[Member, Inputs]], site: Site) -> tuple[_Level, ...]:
    """Return the levels in their order, each with its items."""
    levels = tuple(map(_Level, (WORLDS, ATTACKS, SCREENS, CELLS)))
    for member, inputs in members:
        try:
            _sketch(partial(Sketch, member.config, site, inputs), member.name, *levels)
        except ConfigError as error:
            raise ConfigError(f"cell '{member.name}': {error.what}", error.why, error.do) from None
    return levels


def _sketch(
    draft: Callable[[], Sketch], name: str, worlds: _Level, attacks: _Level, screens: _Level, cells: _Level
) -> None:
    """Draw the jobs of a cell, those that another cell has drawn before as what they are."""
    world = worlds.add(draft(), draw_world)
    attacked = attacks.add(draft(), partial(draw_attack, world=world))
    screen = screens.add(draft(), partial(draw_screen, world=world, attacked=attacked))
    cells.add(draft(), partial(draw_cell, world=world, attacked=attacked, screen=screen), name)


@dataclass(frozen=True)
class _Place:
    """Where an item is: its step, its number in it, and what the names in the step's body end in."""

    loop: ForEachStep
    index: int
    ending: str


@dataclass
class _Drawing:
    """The pipeline while its steps are drawn, those that others read first."""

    root: str
    site: Site
    session: Any
    max_concurrency: int
    places: dict[Sketch, _Place] = field(default_factory=dict)

    def loop(self, title: str, ending: str, items: Sequence[_Item]) -> Step:
        """Return the step that does for each item what its jobs say."""
        body = _Body(self.root, title.lower(), ending, items)
        steps = [body.step(number, self.site, self.session) for number in range(len(items[0].sketch.jobs))]
        loop = ForEachStep(
            name=f"{title}{ending}",
            iterable_items=[self._text(body, number) for number in range(len(items))],
            max_concurrency=self.max_concurrency,
            for_each_body=steps,
        )
        self.places |= {item.sketch: _Place(loop, number, ending) for number, item in enumerate(items)}
        return loop

    def _text(self, body: _Body, number: int) -> Variable:
        """Return an item as SageMaker takes it: a JSON object as a text."""
        fields = {NAME: body.items[number].name}
        fields |= {name: self._known(column[number]) for column, name in body.fields.items()}
        text = joined(fields)
        return text.values[0] if len(text.values) == 1 else text

    def _known(self, value: Variable) -> Variable:
        """Return a value as it stands in an item."""
        if not isinstance(value, Made):
            return value
        place = self.places[value.by]
        properties = getattr(place.loop.properties.IterationOutputs[place.index], value.job + place.ending)
        return Text((value.by.job(value.job).made(properties)[value.output],))


@dataclass
class _Body:
    """The steps of one `ForEach`, and the fields of its items that they read."""

    root: str
    level: str
    ending: str
    items: Sequence[_Item]
    fields: dict[tuple[Variable, ...], str] = field(default_factory=dict)
    made: dict[str, dict[str, Variable]] = field(default_factory=dict)

    def step(self, number: int, site: Site, session: Any) -> Step:
        """Return the step for the job that each item has at this place."""
        first, *others = (dict(leaves(item.sketch.jobs[number])) for item in self.items)
        job = self.items[0].sketch.jobs[number]
        values = {
            leaf: self._value(job.name, leaf, (value, *(each[leaf] for each in others)))
            for leaf, value in first.items()
        }
        placed = self._placed(with_leaves(job, values))
        step = job_step(placed, self.items[0].sketch.config.jobs, site, session)
        self.made[job.name] = job.made(step.properties)
        return step

    def _value(self, job: str, leaf: Leaf, column: tuple[Variable, ...]) -> Variable:
        """Return what a value is in the body: the same for all, made beside it, or a field of the item."""
        value = column[0]
        if isinstance(value, Made) and value.by is self.items[0].sketch:
            return self.made[value.job][value.output]
        if not isinstance(value, Made) and set(column) == {value}:
            return value
        if column not in self.fields:
            self.fields[column] = self._free(
                "_".join(part for part in (job, *leaf) if part).replace(".", "_")
            )
        return getattr(CurrentItem(), self.fields[column])

    def _free(self, name: str) -> str:
        """Return a name that no field has; a setting `a.b` may be called as another one is."""
        return name if name not in self.fields.values() else self._free(f"{name}_")

    def _placed(self, job: Job) -> Job:
        """Return a job under its name in this body, with the addresses that its outputs have there."""
        if isinstance(job, Training):
            return replace(job, name=job.name + self.ending, output=self._address(job.output))
        outputs = {key: self._address(place) for key, place in job.outputs.items()}
        return replace(job, name=job.name + self.ending, outputs=outputs)

    def _address(self, place: str) -> Join:
        run = [self.root, ExecutionVariables.PIPELINE_EXECUTION_ID]
        return Join(on="/", values=[*run, self.level, getattr(CurrentItem(), NAME), place])
