"""A recipe: the attacks of a run in their order, each with a name of its own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from boomerang.config import Spec
from boomerang.errors import ConfigError
from boomerang.kinds import unique_names
from processing.attacks import ATTACKS
from processing.attacks.common.base import Attack

# `Truth.attack_of` names an attack in an int8, 0 being clean.
MAX_ATTACKS = 127


def create(spec: Spec, position: int = 1) -> Attack:
    """Return the attack that an entry of a recipe describes.

    Parameters
    ----------
    spec : Spec
    position : int
        The entry's place in the recipe, from 1, for the error.

    Raises
    ------
    ConfigError
        If no attack is of that kind, a setting is unknown (with the nearest known one) or wrong.
    """
    return ATTACKS.create(spec, f"attack {position}")


def create_recipe(specs: Iterable[Spec]) -> tuple[Attack, ...]:
    """Return the attacks of a recipe, each with a name of its own.

    An attack without a name is called by its kind; of several with the same name the second becomes
    `name-2`, and so on.

    Raises
    ------
    ConfigError
        See `create`; also if there are more than 127, or several that take over the training.
    """
    attacks = [create(spec, position) for position, spec in enumerate(specs, 1)]
    if len(attacks) > MAX_ATTACKS:
        raise ConfigError(f"{len(attacks)} attacks", f"the limit is {MAX_ATTACKS}", "stage fewer at a time")
    names = unique_names([attack.name or attack.kind for attack in attacks])
    recipe = tuple(a.model_copy(update={"name": name}) for a, name in zip(attacks, names, strict=True))
    taking_over(recipe)
    return recipe


def taking_over(recipe: Sequence[Attack]) -> Attack | None:
    """Return the attack of a recipe that takes over the training, or None.

    Raises
    ------
    ConfigError
        If there are several: a victim is trained once.
    """
    found = [attack for attack in recipe if attack.takes_over]
    if len(found) > 1:
        what = " and ".join(f"attack '{attack.name}'" for attack in found)
        raise ConfigError(what, "each takes over the one training of the victim", "keep one of them")
    return found[0] if found else None
