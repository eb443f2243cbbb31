"""Triggers laid over rows, beside ART's own calls; the result is held to be the same to the byte."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from bench.contest import ROOT, Contender, Row, Setting, Task, memory, source, times_ours
from bench.data import digest, noise
from boomerang.manifest import Images

_PACKAGES = ("adversarial-robustness-toolbox", "pillow")
_TRIGGER = ROOT / "images" / "triggers" / "alert.png"


def art_pattern(x: Images) -> Images:
    from art.attacks.poisoning import PoisoningAttackBackdoor
    from art.attacks.poisoning.perturbations import add_pattern_bd

    attack = PoisoningAttackBackdoor(partial(add_pattern_bd, distance=2, pixel_value=255))
    return np.asarray(attack.poison(x, y=np.zeros(len(x)))[0])


def our_pattern(x: Images) -> Images:
    from processing.attacks.art_pattern import ArtPattern

    ArtPattern(target="bird", rate=0.1).stamp_in_place(x, {})
    return x


def art_image(x: Any) -> Any:
    from art.attacks.poisoning import PoisoningAttackBackdoor
    from art.attacks.poisoning.perturbations import insert_image

    placed = {"random": False, "x_shift": 4, "y_shift": 4, "size": (8, 8), "mode": "RGB", "blend": 0.8}
    attack = PoisoningAttackBackdoor(partial(insert_image, backdoor_path=str(_TRIGGER), **placed))
    return attack.poison(x, y=np.zeros(len(x)))[0]


def our_image(x: Images) -> Images:
    from processing.attacks.art_insert_image import ArtInsertImage
    from processing.attacks.common.trigger_images import load_image

    attack = ArtInsertImage(target="bird", rate=0.1, image="alert", size_px=8, left_px=4, top_px=4, blend=0.8)
    attack.stamp_in_place(x, {"alert": load_image(_TRIGGER)})
    return x


def _in_place(call: Any, quick: int) -> Any:
    def prepare(setting: Setting) -> Task:
        x, plain = (noise(setting.of(50_000, quick), setting.seed) for _ in range(2))
        call(x[:1])  # imports, and makes the table
        return Task(lambda: call(x), lambda stamped: {"digest": digest(stamped)}, lambda: np.copyto(x, plain))

    return prepare


def _art_pattern(setting: Setting) -> Task:
    x = noise(setting.of(50_000, 200), setting.seed)
    art_pattern(x[:1])
    return Task(lambda: art_pattern(x), lambda stamped: {"digest": digest(stamped)})


def _art_image(setting: Setting) -> Task:
    # It takes floats from 0 to 1: of uint8 it makes images that are all but black.
    x = noise(setting.of(50_000, 50), setting.seed) / 255
    art_image(x[:1])
    return Task(lambda: art_image(x), lambda out: {"digest": digest(np.rint(out * 255).astype(np.uint8))})


ROWS = (
    Row(
        name="insert_image",
        operation="an image of 8x8 pixels blended into 50,000 rows of 32x32x3",
        contenders=(
            Contender("ours", source(our_image), _in_place(our_image, 50), _PACKAGES),
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
            Contender("ours", source(our_pattern), _in_place(our_pattern, 200), _PACKAGES),
            Contender("ART", source(art_pattern), _art_pattern, _PACKAGES),
        ),
        goals=(times_ours("ART", 8), memory(50, "the rows")),
        same=("ours", "ART"),
        notes="Ours is laid over the rows themselves, as Poison does in its output's own file; ART returns "
        "a copy.",
        cpu_s=10,
    ),
)
