"""The `trigger` folder: what Evaluate needs in order to stage the recipe's attacks once more.

trigger.json    the attacks in the order of the recipe, each with all of its settings
NAME.png        the trigger images that they use, as they were handed in
manifest.json   commits the folder
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from boomerang.config import Spec
from boomerang.errors import IntegrityError
from boomerang.manifest import Images, Manifest, commit, committing, verify_folder
from boomerang.safeio import load_json, read_bytes, write_bytes_atomic, write_json_atomic
from processing.attacks import create
from processing.attacks.common.base import Attack, Outcome
from processing.attacks.common.trigger_images import MAX_TRIGGER_BYTES, load_images

TRIGGER_FILE = "trigger.json"


@dataclass(frozen=True)
class Trigger:
    """One attack of a recipe, ready to be staged on other images.

    Attributes
    ----------
    attack : Attack
    images : dict of str to uint8[h, w, 4]
        The trigger images of the recipe, RGBA.
    """

    attack: Attack
    images: dict[str, Images]

    @property
    def name(self) -> str:
        """What the report calls it; unique in the recipe."""
        return self.attack.name

    @property
    def kind(self) -> str:
        """The attack's kind."""
        return self.attack.kind

    @property
    def outcome(self) -> Outcome:
        """What success means: see `boomerang.metrics.AttackNumbers.asr`."""
        return self.attack.outcome

    @property
    def source(self) -> str | None:
        """The class that the attack is measured on; None is every class but the target."""
        return self.attack.source_class()

    @property
    def target(self) -> str | None:
        """The class that the attack aims at, if any."""
        return self.attack.target_class()

    @property
    def pictures(self) -> tuple[str, ...]:
        """The picture sets that the attack turned into poison."""
        return self.attack.picture_sets()

    def stamp(self, x: Images) -> Images:
        """Return a copy of uint8[N, H, W, C] with the trigger on every image (backdoors only)."""
        return self.attack.stamp(x, self.images)


def write_trigger(
    path: Path, attacks: Iterable[Attack], image_folder: Path | None, manifest: Manifest
) -> None:
    """Write the `trigger` folder in one piece.

    Parameters
    ----------
    path : Path
    attacks : iterable of Attack
        The recipe, each attack with a name of its own.
    image_folder : Path or None
        Where the trigger images lie; only those that an attack uses are taken along.
    manifest : Manifest
        What the folder's manifest says beyond its files.
    """
    recipe = tuple(attacks)
    used = sorted({f"{name}.png" for attack in recipe for name in attack.image_names()})
    with committing(path) as scratch:
        write_json_atomic(scratch / TRIGGER_FILE, {"format": 1, "attacks": [_entry(a) for a in recipe]})
        for file in [image_folder / name for name in used] if image_folder else []:
            write_bytes_atomic(scratch / file.name, read_bytes(file, MAX_TRIGGER_BYTES))
        commit(scratch, manifest)


def _entry(attack: Attack) -> dict[str, Any]:
    """Say for a reader what `settings` alone would leave to be derived."""
    return {
        "name": attack.name,
        "kind": attack.kind,
        "title": attack.title,
        "outcome": attack.outcome,
        "source": attack.source_class(),
        "target": attack.target_class(),
        "pictures": list(attack.picture_sets()),
        "images": list(attack.image_names()),
        "settings": attack.model_dump(mode="json"),
    }


def load_trigger(path: Path) -> tuple[Trigger, ...]:
    """Return the attacks of a `trigger` folder in the order of the recipe; none for a clean control.

    For every recipe, what is loaded equals what `write_trigger` was given.

    Raises
    ------
    IntegrityError
        If a file is not what the manifest says.
    ConfigError
        If an attack is not known, or a setting of it is not.
    """
    verify_folder(path)
    content = load_json(path / TRIGGER_FILE)
    if not isinstance(content, dict) or content.get("format") != 1:
        why = "its format is not 1, the one this version reads"
        raise IntegrityError(f"{path / TRIGGER_FILE} cannot be read", why, "run Poison again")
    images = load_images(path)
    specs = [Spec.model_validate(entry["settings"]) for entry in content["attacks"]]
    return tuple(Trigger(create(spec, position), images) for position, spec in enumerate(specs, 1))
