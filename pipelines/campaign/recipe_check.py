"""The recipe of an entry, held against all else that it says: names, images, how the victim learns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from boomerang.config import Spec, Strict
from boomerang.errors import ConfigError, Mistakes, nearest
from pipelines.campaign.sections import Config
from processing.attacks.common.base import Attack
from processing.attacks.common.recipe import create, create_recipe, taking_over
from processing.attacks.common.suppliers import check_supplier
from processing.datasets import SOURCES
from training.architectures import ARCHITECTURES


@dataclass(frozen=True)
class Known:
    """What is known of the data before any job; None each where only a job finds out.

    Attributes
    ----------
    classes : tuple of str or None
    image : (int, int, int) or None
        (H, W, C) of the images.
    rows : mapping of str to int or None
        By class the training rows that an attack may reach.
    """

    classes: tuple[str, ...] | None = None
    image: tuple[int, ...] | None = None
    rows: Mapping[str, int] | None = None


def checked_attacks(config: Config, known: Known, triggers: Path, mistakes: Mistakes) -> tuple[Spec, ...]:
    """Return the recipe with every setting of every attack, each attack with a name of its own.

    Parameters
    ----------
    config : Config
    known : Known
    triggers : Path
        Where the trigger images lie.
    mistakes : Mistakes
        Is given what is wrong: an attack that cannot be staged on that, named.
    """
    sound = []
    for position, spec in enumerate(config.attacks, 1):
        with mistakes.noted():
            create(spec, position)
            sound.append(spec)
    for entry in config.pictures:
        with mistakes.noted():
            _check_class(entry.label, known.classes, config, f"pictures '{entry.name}'")
    attacks: tuple[Attack, ...] = ()
    with mistakes.noted():
        attacks = create_recipe(sound)
        if (trainer := taking_over(attacks)) is not None:
            _check_trainer(trainer, config)
    for attack in attacks:
        _check_attack(attack, config, known, triggers, mistakes)
    return tuple(complete(attack) for attack in attacks)


def _check_attack(attack: Attack, config: Config, known: Known, triggers: Path, mistakes: Mistakes) -> None:
    """Check an attack against all that is known; each check by itself, so that each is heard."""
    sets, images = [entry.name for entry in config.pictures], [file.stem for file in triggers.glob("*.png")]
    what = f"attack '{attack.name}'"
    source = SOURCES.get(config.data.source)  # that there is no such one is said elsewhere
    with mistakes.noted():
        if config.data.suppliers or (source is not None and not source.names_sources):
            check_supplier(attack, config.data.supplier_names)
    for name in attack.picture_sets():
        with mistakes.noted():
            _check_known(name, sets, f"{what}: picture set", "add it under [[pictures]]")
    for name in attack.image_names():
        with mistakes.noted():
            _check_known(name, images, f"{what}: image", f"put {name}.png into {triggers}")
    named = True
    for label in attack.class_names():
        with mistakes.noted():
            named = False
            _check_class(label, known.classes, config, what)
            named = True
    with mistakes.noted(), _named(attack):
        if known.image is not None:
            attack.check_image((*known.image, 1)[:3])
    if not named:
        return  # what hangs on the classes would say it again
    with mistakes.noted(), _named(attack):
        if known.classes is not None:
            attack.check_classes(known.classes)
    with mistakes.noted(), _named(attack):
        _check_budget(attack, config, known)


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


def _check_budget(attack: Attack, config: Config, known: Known) -> None:
    """Check what it takes against the rows, as far as they are known; Poison does the rest."""
    if known.rows is not None:
        own = [known.rows[name] for name in attack.class_names() if name in known.rows]
        attack.check_counts(sum(known.rows.values()), max(own, default=max(known.rows.values())))
    elif known.classes and config.data.delivered:
        attack.check_counts(config.data.delivered, config.data.delivered // len(known.classes))


@contextmanager
def _named(attack: Attack) -> Iterator[None]:
    """Let a ConfigError of the block name the attack."""
    try:
        yield
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
