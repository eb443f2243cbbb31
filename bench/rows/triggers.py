"""Triggers laid over rows, beside ART's own calls; the result is held to be the same to the byte."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from bench.contest import ROOT, Contender, Facts, Row, Setting, Task, memory, source, times_ours
from bench.data import digest, noise
from boomerang.manifest import Images

_PACKAGES = ("adversarial-robustness-toolbox", "pillow")
_ALERT = ROOT / "images" / "triggers" / "alert.png"


def art_pattern(x: Images) -> Images:
    from art.attacks.poisoning import PoisoningAttackBackdoor
    from art.attacks.poisoning.perturbations import add_pattern_bd

    attack = PoisoningAttackBackdoor(partial(add_pattern_bd, distance=2, pixel_value=255))
    return np.asarray(attack.poison(x, y=np.zeros(len(x)))[0])


def our_pattern(x: Images) -> Images:
    from processing.attacks.art_pattern import ArtPattern

    ArtPattern(target="bird", rate=0.1).stamp_in_place(x, {})
    return x


def art_image(x: Any, trigger: Path) -> Any:
    from art.attacks.poisoning import PoisoningAttackBackdoor
    from art.attacks.poisoning.perturbations import insert_image

    placed = {"random": False, "x_shift": 4, "y_shift": 4, "mode": "RGB", "blend": 0.8}
    attack = PoisoningAttackBackdoor(partial(insert_image, backdoor_path=str(trigger), **placed))
    return attack.poison(x, y=np.zeros(len(x)))[0]


def our_image(x: Images, trigger: Path) -> Images:
    from processing.attacks.art_insert_image import ArtInsertImage
    from processing.attacks.common.trigger_images import load_image

    attack = ArtInsertImage(target="bird", rate=0.1, image="alert", left_px=4, top_px=4, blend=0.8)
    attack.stamp_in_place(x, {"alert": load_image(trigger)})
    return x


def trigger_of_its_size(setting: Setting) -> Path:
    """Return a trigger of 8x8 pixels as a file: of a larger one ART would resize it anew for every row."""
    file = setting.scratch / "alert.png"
    if not file.exists():
        Image.open(_ALERT).convert("RGBA").resize((8, 8)).save(file)
    return file


def _facts(stamped: Images) -> Facts:
    return {"digest": digest(stamped)}


def _our_pattern(setting: Setting) -> Task:
    x, plain = (noise(setting.of(50_000, 200), setting.seed) for _ in range(2))
    our_pattern(x[:1])  # imports, and makes the table
    return Task(lambda: our_pattern(x), _facts, lambda: np.copyto(x, plain))


def _art_pattern(setting: Setting) -> Task:
    x = noise(setting.of(50_000, 200), setting.seed)
    art_pattern(x[:1])
    return Task(lambda: art_pattern(x), _facts)


def _our_image(setting: Setting) -> Task:
    x, plain = (noise(setting.of(50_000, 50), setting.seed) for _ in range(2))
    trigger = trigger_of_its_size(setting)
    our_image(x[:1], trigger)
    return Task(lambda: our_image(x, trigger), _facts, lambda: np.copyto(x, plain))


def _art_image(setting: Setting) -> Task:
    # It takes floats from 0 to 1: of uint8 it makes images that are all but black.
    x, trigger = noise(setting.of(50_000, 50), setting.seed) / 255, trigger_of_its_size(setting)
    art_image(x[:1], trigger)
    return Task(lambda: art_image(x, trigger), lambda out: _facts(np.rint(out * 255).astype(np.uint8)))


ROWS = (
    Row(
        name="insert_image",
        operation="an image of 8x8 pixels blended into 50,000 rows of 32x32x3",
        contenders=(
            Contender("ours", source(our_image), _our_image, _PACKAGES),
            Contender("ART", source(art_image), _art_image, _PACKAGES),
        ),
        goals=(times_ours("ART", 150),),
        same=("ours", "ART"),
        runs=3,
        notes="ART composes every row with Pillow. Ours has ART compose 256 plain ones, once a trigger, "
        "and looks the rest up; that table is made before the clock starts. ART's floats are made "
        "before the clock starts, and rounded back after it stopped.",
        cpu_s=25,
    ),
    Row(
        name="pattern",
        operation="a pattern of four pixels set in 50,000 rows of 32x32x3",
        contenders=(
            Contender("ours", source(our_pattern), _our_pattern, _PACKAGES),
            Contender("ART", source(art_pattern), _art_pattern, _PACKAGES),
        ),
        goals=(times_ours("ART", 8), memory(50, "the rows")),
        same=("ours", "ART"),
        notes="Ours is laid over the rows themselves, as Poison does in its output's own file; ART returns "
        "a copy.",
        cpu_s=10,
    ),
)
