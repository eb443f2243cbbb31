"""The `trigger` folder: what Evaluate needs in order to stage the recipe's attacks once more.

trigger.json     the attacks in the order of the recipe, each with all of its settings
NAME.png         the trigger images that they use, as they were handed in
kept/K/NAME.npy  what the K-th attack made and needs again; see `processing.attacks.common.pool.Batch`
manifest.json    commits the folder
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from boomerang.config import Spec
from boomerang.errors import IntegrityError
from boomerang.manifest import Dataset, Images, Manifest, commit, committing, verify_folder
from boomerang.safeio import load_json, load_npy, read_bytes, write_bytes_atomic, write_json_atomic
from processing.attacks.common.base import Attack, Outcome
from processing.attacks.common.pool import Props
from processing.attacks.common.recipe import create
from processing.attacks.common.trial import Stage, Trial
from processing.attacks.common.trigger_images import MAX_TRIGGER_BYTES, load_images

# Poison's output that holds this folder and the truth.
SECRET = "secret"
TRIGGER = "trigger"
TRIGGER_FILE = "trigger.json"
_KEPT = "kept"


@dataclass(frozen=True)
class Trigger:
    """One attack of a recipe, ready to be staged on other images.

    Attributes
    ----------
    attack : Attack
    images : dict of str to uint8[h, w, 4]
        The trigger images of the recipe, RGBA.
    kept : mapping of str to array
        What the attack made when it poisoned and needs again.
    """

    attack: Attack
    images: dict[str, Images]
    kept: Props = field(default_factory=dict)

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
        return self.attack.stamp(x, self.props)

    def trial(self, test: Dataset, photos: Mapping[str, Dataset]) -> Trial:
        """Return what the attack's success is measured on."""
        return self.attack.trial(Stage(test, photos, self.props))

    @property
    def props(self) -> Props:
        """What the trigger is made of, by name."""
        return {**self.images, **self.kept}


def write_trigger(
    path: Path,
    attacks: Sequence[Attack],
    image_folder: Path | None,
    manifest: Manifest,
    kept: Sequence[Props] = (),
) -> None:
    """Write the `trigger` folder in one piece.

    Parameters
    ----------
    path : Path
    attacks : sequence of Attack
        The recipe, each attack with a name of its own.
    image_folder : Path or None
        Where the trigger images lie; only those that an attack uses are taken along.
    manifest : Manifest
        What the folder's manifest says beyond its files; of whatever kind, it becomes one of a trigger.
    kept : sequence of mappings, optional
        What each attack kept; without it nothing.
    """
    used = sorted({f"{name}.png" for attack in attacks for name in attack.image_names()})
    with committing(path) as scratch:
        write_json_atomic(scratch / TRIGGER_FILE, {"format": 1, "attacks": [_entry(a) for a in attacks]})
        for file in [image_folder / name for name in used] if image_folder else []:
            write_bytes_atomic(scratch / file.name, read_bytes(file, MAX_TRIGGER_BYTES))
        for number, arrays in enumerate(kept, 1):
            _keep(scratch / _KEPT / str(number), arrays)
        commit(scratch, manifest.model_copy(update={"kind": TRIGGER}))


def _keep(folder: Path, arrays: Props) -> None:
    for name, array in arrays.items():
        folder.mkdir(parents=True, exist_ok=True)
        np.save(folder / f"{name}.npy", array, allow_pickle=False)


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
    return tuple(
        Trigger(create(spec, number), images, _kept(path / _KEPT / str(number)))
        for number, spec in enumerate(specs, 1)
    )


def _kept(folder: Path) -> Props:
    return {file.stem: load_npy(file) for file in sorted(folder.glob("*.npy"))}
