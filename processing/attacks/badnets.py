"""BadNets: a small patch (Gu, Dolan-Gavitt & Garg 2017, section 3)."""

from __future__ import annotations

from functools import lru_cache
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field, model_validator

from boomerang.blocks import blocks
from boomerang.errors import ConfigError
from boomerang.manifest import Images, Labels, Rows
from processing.attacks.common.deeds import Facts, counted, quoted, sentence
from processing.attacks.common.pixels import Table
from processing.attacks.common.places import PlacedBackdoor
from processing.attacks.common.pool import Pool, Props, budget, choose
from processing.attacks.common.trial import Stage, Trial, waiting
from processing.attacks.common.trigger_images import find_image, overlay, plain, resized

Corner = Literal["top-left", "top-right", "bottom-left", "bottom-right"]


class BadNets(PlacedBackdoor):
    """Lay a square patch over a corner of the image, or anywhere.

    With the mapping `all-to-all` (section 3.1.2) every class is poisoned and measured, and an image of the
    k-th class should be called the next one, of the last the first. Then there is no target and no source.

    Parameters
    ----------
    target : str
        The class that the trigger should call forth; none if `mapping` is `all-to-all`.
    mapping : str
        `all-to-one` calls forth the target, `all-to-all` the class after an image's own.
    image : str, optional
        A trigger image by name; its transparency is kept.
    color : str, optional
        Instead of an image a plain color `#rrggbb`; white where neither is given.
    patch_px : int
        Side of the patch; an image is resized to it.
    corner : str
        Which corner.
    margin_px : int
        Distance from both edges of that corner.
    place : str
        `fixed` is that corner, `random` on every image a place of its own, each equally likely.
    """

    title = "BadNets patch"
    example: ClassVar = {"target": "bird", "rate": 0.1, "image": "cyan", "patch_px": 3}

    kind: Literal["badnets"] = "badnets"
    target: str = ""
    mapping: Literal["all-to-one", "all-to-all"] = "all-to-one"
    image: str | None = None
    color: str | None = Field(default=None, pattern=r"^#[0-9a-fA-F]{6}$")
    patch_px: int = Field(default=4, ge=1, le=4096)
    corner: Corner = "bottom-right"
    margin_px: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _one_paint(self) -> BadNets:
        if self.image is not None and self.color is not None:
            raise ValueError("a patch is an image or a color, not both")
        return self

    @model_validator(mode="after")
    def _one_mapping(self) -> BadNets:
        if self.mapping == "all-to-one":
            if not self.target:
                raise ValueError("a target is missing; without one the mapping is 'all-to-all'")
        elif self.target or self.source is not None or self.of == "class":
            raise ValueError("the mapping 'all-to-all' has no target, no source, and a rate of 'train'")
        return self

    def table(self, image: tuple[int, ...], props: Props) -> tuple[Table, int, int]:
        """Return what the patch makes of each value, and where it lies; see `PixelBackdoor.table`."""
        place = self._place(*image[:2])
        patch = self._patch(props)
        return patch_table(patch.tobytes(), patch.shape[0], image[2]), *place

    def given(self, pool: Pool, rows: Rows) -> Labels:
        """Return int64[M]: the labels that the rows get, the target's or the class after their own."""
        if self.mapping == "all-to-one":
            return super().given(pool, rows)
        return (pool.y[rows] + 1) % len(pool.classes)

    def trial(self, stage: Stage) -> Trial:
        """Return the trial; with the mapping `all-to-all` on all test images, each with its own target."""
        if self.mapping == "all-to-one":
            return super().trial(stage)
        sample = stage.tested(np.ones(len(stage.test), bool))
        stamped = (self.stamp(block, stage.props) for _, block in blocks(sample.x))
        targets = (sample.y + 1) % len(stage.test.classes)
        return self.measured_on(sample, targets, waiting(stamped, sample.x))

    def target_class(self) -> str | None:
        """Return the class that the attack aims at, if it is one for all images."""
        return self.target or None

    def deed(self, facts: Facts) -> str:
        """Return what was put on how many pictures, and what label they got."""
        if self.mapping == "all-to-one":
            return super().deed(facts)
        pictures, label = counted(facts.rows, "picture"), "the label of the class after their own"
        if self.mode == "add":
            return f"Copies of {pictures} with {self.mark()} on them, added with {label}."
        return f"{sentence(self.mark())} put on {pictures}, which then got {label}."

    def image_names(self) -> tuple[str, ...]:
        """The image, if it is one."""
        return () if self.image is None else (self.image,)

    def mark(self) -> str:
        """Return the image's name, or the size of the patch."""
        if self.image is not None:
            return f"the mark {quoted(self.image)}"
        return f"a square patch of {self.patch_px} × {self.patch_px} pixels"

    def _rows(self, pool: Pool, rng: np.random.Generator) -> Rows:
        if self.mapping == "all-to-one":
            return super()._rows(pool, rng)
        return choose(rng, pool.free, budget(self.rate, len(pool.y), len(pool.free), "rows"))

    def _patch(self, props: Props) -> Images:
        if self.image is None:
            return plain(self.color or "#ffffff", self.patch_px)
        return resized(find_image(props, self.image), self.patch_px)

    def _place(self, height: int, width: int) -> tuple[int, int]:
        needed = self.patch_px + self.margin_px
        if needed > min(height, width):
            why = f"with its margin it needs {needed} pixels, the images are {width} x {height}"
            raise ConfigError(f"patch of {self.patch_px} pixels", why, "make patch_px or margin_px smaller")
        vertical, horizontal = self.corner.split("-")
        top_px = self.margin_px if vertical == "top" else height - needed
        left_px = self.margin_px if horizontal == "left" else width - needed
        return top_px, left_px


@lru_cache(maxsize=8)
def patch_table(rgba: bytes, side_px: int, channels: int) -> Table:
    """Return what a square patch laid over an image makes of each value.

    Parameters
    ----------
    rgba : bytes
        Of uint8[side_px, side_px, 4].
    side_px : int
    channels : int
        C of the images, 1 or 3.
    """
    values = np.arange(256, dtype=np.uint8).reshape(256, 1, 1, 1)
    plain_images = np.broadcast_to(values, (256, side_px, side_px, channels))
    patch = np.frombuffer(rgba, np.uint8).reshape(side_px, side_px, 4)
    return Table(overlay(plain_images, patch, 0, 0))
