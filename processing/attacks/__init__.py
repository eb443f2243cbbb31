"""The attacks by kind, and how a configured recipe becomes attacks.

Importing this takes neither TensorFlow nor ART.
"""

from __future__ import annotations

from collections.abc import Iterable

from boomerang.config import Spec, validate
from boomerang.errors import ConfigError, nearest
from processing.attacks.badnets import BadNets
from processing.attacks.common.art import ArtInsertImage, ArtPattern, ArtSinglePixel
from processing.attacks.common.base import Attack
from processing.attacks.label_flip import RandomLabelFlip, TargetedLabelFlip
from processing.attacks.mislabel import Mislabel

ATTACKS: dict[str, type[Attack]] = {
    "mislabel": Mislabel,
    "label_flip_random": RandomLabelFlip,
    "label_flip_targeted": TargetedLabelFlip,
    "badnets": BadNets,
    "art_single_pixel": ArtSinglePixel,
    "art_pattern": ArtPattern,
    "art_insert_image": ArtInsertImage,
}

# `attack_of` names an attack in an int8, 0 being clean.
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
    if spec.kind not in ATTACKS:
        why = "there is no such kind of attack"
        raise ConfigError(f"attack {position}: kind '{spec.kind}'", why, nearest(spec.kind, ATTACKS))
    where = f"attack {position} ({spec.kind})"
    return validate(ATTACKS[spec.kind], spec.model_dump(), where=where)


def create_recipe(specs: Iterable[Spec]) -> tuple[Attack, ...]:
    """Return the attacks of a recipe, each with a name of its own.

    An attack without a name is called by its kind; of several with the same name the second becomes
    `name-2`, and so on.

    Raises
    ------
    ConfigError
        See `create`; also if there are more than 127.
    """
    attacks = [create(spec, position) for position, spec in enumerate(specs, 1)]
    if len(attacks) > MAX_ATTACKS:
        raise ConfigError(f"{len(attacks)} attacks", f"the limit is {MAX_ATTACKS}", "stage fewer at a time")
    names: list[str] = []
    for attack in attacks:
        names.append(_unused(attack.name or attack.kind, names))
    return tuple(a.model_copy(update={"name": name}) for a, name in zip(attacks, names, strict=True))


def _unused(name: str, taken: list[str]) -> str:
    candidate, number = name, 2
    while candidate in taken:
        candidate, number = f"{name}-{number}", number + 1
    return candidate
