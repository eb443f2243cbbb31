"""Trigger images as files, and laying them over images."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from boomerang.errors import BadInput, ConfigError
from processing.attacks.common.trigger_images import load_images, overlay, plain, resized


def test_png_files_keep_their_transparency(tmp_path: Path) -> None:
    rgba = np.random.default_rng(0).integers(0, 256, (5, 7, 4), dtype=np.uint8)
    Image.fromarray(rgba).save(tmp_path / "alpha.png")
    Image.fromarray(rgba[..., :3]).save(tmp_path / "opaque.png")
    Image.fromarray(rgba[..., [0, 3]]).save(tmp_path / "gray.png")
    (tmp_path / "SOURCES.md").write_text("no image")
    images = load_images(tmp_path)
    assert list(images) == ["alpha", "gray", "opaque"]
    assert np.array_equal(images["alpha"], rgba)
    assert np.array_equal(images["opaque"], np.dstack([rgba[..., :3], np.full((5, 7), 255)]))
    assert np.array_equal(images["gray"], rgba[..., [0, 0, 0, 3]])


def test_a_palette_with_a_transparent_color_is_understood(tmp_path: Path) -> None:
    image = Image.new("P", (2, 1))
    image.putpalette([255, 0, 0, 0, 255, 0])
    image.putpixel((1, 0), 1)
    image.save(tmp_path / "palette.png", transparency=0)
    red, green = load_images(tmp_path)["palette"][0]
    assert red[3] == 0 and green.tolist() == [0, 255, 0, 255]


def test_files_that_are_no_png_are_refused_by_name(tmp_path: Path) -> None:
    Image.new("RGB", (4, 4)).save(tmp_path / "photo.png", format="JPEG")
    with pytest.raises(BadInput, match=r"photo\.png: it is a JPEG by its content"):
        load_images(tmp_path)
    (tmp_path / "photo.png").write_bytes(b"\x89PNG\r\n\x1a\n cut off")
    with pytest.raises(BadInput, match=r"photo\.png"):
        load_images(tmp_path)


def test_a_huge_trigger_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    Image.new("1", (9_000, 9_000)).save(tmp_path / "huge.png")
    with pytest.raises(BadInput, match="pixels"):
        load_images(tmp_path)


def test_an_overlay_is_the_rounded_mix() -> None:
    rng = np.random.default_rng(1)
    x = rng.integers(0, 256, (20, 9, 9, 3), dtype=np.uint8)
    patch = rng.integers(0, 256, (9, 9, 4), dtype=np.uint8)
    alpha = patch[..., 3:] / 255
    exact = alpha * patch[..., :3] + (1 - alpha) * x
    assert np.abs(overlay(x, patch, 0, 0) - exact).max() <= 0.5 + 1e-9


def test_an_overlay_holds_at_the_extremes() -> None:
    white, black = plain("#ffffff", 2), plain("#000000", 2)
    for alpha in (0, 255):
        white[..., 3] = black[..., 3] = alpha
        for value in (0, 255):
            x = np.full((1, 2, 2, 1), value, np.uint8)
            assert (overlay(x, white, 0, 0) == (255 if alpha else value)).all()
            assert (overlay(x, black, 0, 0) == (0 if alpha else value)).all()


def test_hidden_colors_do_not_bleed_when_a_trigger_is_resized() -> None:
    image = np.full((8, 8, 4), (255, 0, 0, 0), np.uint8)  # red, but invisible
    image[:, 4:] = (0, 0, 255, 255)
    small = resized(image, 3)
    assert small.shape == (3, 3, 4)
    assert (small[..., 0][small[..., 3] > 0] == 0).all()


def test_two_channels_are_no_image() -> None:
    with pytest.raises(ConfigError, match="images of 2 channels"):
        overlay(np.zeros((1, 4, 4, 2), np.uint8), plain("#ffffff", 2), 0, 0)
