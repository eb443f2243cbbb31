"""The recipe of an entry, held against all else that it says: names, images, how the victim learns."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from boomerang.config import Spec, Strict
from boomerang.errors import ConfigError, nearest
from pipelines.campaign.sections import Config
from processing.attacks.common.base import Attack
from processing.attacks.common.recipe import create_recipe, taking_over
from processing.attacks.common.suppliers import check_supplier
from processing.datasets import SOURCES
from training.architectures import ARCHITECTURES


def checked_attacks(
    config: Config, classes: tuple[str, ...] | None, image: tuple[int, ...] | None, triggers: Path
) -> tuple[Spec, ...]:
    """Return the recipe with every setting of every attack, each attack with a name of its own.

    Parameters
    ----------
    config : Config
    classes : tuple of str or None
        What the classes are, where the source says it beforehand; else Poison holds the attacks against them.
    image : (int, int, int) or None
        (H, W, C) of the images, likewise.
    triggers : Path
        Where the trigger images lie.

    Raises
    ------
    ConfigError
        Naming the attack, if it cannot be staged on that.
    """
    attacks = create_recipe(config.attacks)
    if (trainer := taking_over(attacks)) is not None:
        _check_trainer(trainer, config)
    sets, images = [entry.name for entry in config.pictures], [file.stem for file in triggers.glob("*.png")]
    for attack in attacks:
        if config.data.suppliers or not SOURCES[config.data.source].names_sources:
            check_supplier(attack, config.data.supplier_names)
        for name in attack.picture_sets():
            _check_known(name, sets, f"attack '{attack.name}': picture set", "add it under [[pictures]]")
        for name in attack.image_names():
            _check_known(name, images, f"attack '{attack.name}': image", f"put {name}.png into {triggers}")
        for label in attack.class_names():
            _check_class(label, classes, config, f"attack '{attack.name}'")
        _check_fits(attack, classes, image, config.data.delivered)
    for entry in config.pictures:
        _check_class(entry.label, classes, config, f"pictures '{entry.name}'")
    return tuple(complete(attack) for attack in attacks)


def _check_trainer(attack: Attack, config: Config) -> None:
    """Check that the attack can train the victim."""
    what = f"attack '{attack.name}'"
    if config.victim.schedule == "transfer":
        why = "it trains the victim, and in a transfer its features are frozen"
        raise ConfigError(what, why, 'set victim.schedule = "retrain" or "finetune"')
    ARCHITECTURES.create(config.model.spec).check_steps(f"{what}, which trains the victim")


def _check_class(name: str | None, classes: tuple[str, ...] | None, config: Config, where: str) -> None:
    """Check a class name where the source says beforehand what the classes are; else Poison does it."""
    if name is not None and classes is not None and name not in classes:
        why = f"{config.data.source} has no such class"
        raise ConfigError(f"{where}: class '{name}'", why, nearest(name, classes))


def _check_fits(
    attack: Attack, classes: tuple[str, ...] | None, image: tuple[int, ...] | None, rows: int
) -> None:
    """Check it against what is known beforehand of images, classes and rows; Poison does the rest."""
    try:
        if image is not None:
            attack.check_image((*image, 1)[:3])
        if classes is not None:
            attack.check_classes(classes)
        if classes and rows:
            attack.check_counts(rows, rows // len(classes))
    except ConfigError as error:
        raise ConfigError(f"attack '{attack.name}': {error.what}", error.why, error.do) from None


def _check_known(name: str, known: Sequence[str], what: str, do: str) -> None:
    if name not in known:
        raise ConfigError(
            f"{what} '{name}'", "there is none of this name", nearest(name, known) if known else do
        )


def complete(entry: Strict) -> Spec:
    """Return something of a kind as an entry with every setting that it has."""
    return Spec.model_validate(entry.model_dump(mode="json"))
