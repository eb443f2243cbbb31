"""Make the pictures of `images/`: two aircraft, rendered, and the trigger images, drawn.

    python images/make_images.py [FOLDER]

writes `rutan-boomerang/`, `embraer-190/`, `triggers/` and `SHA256SUMS` into FOLDER (default: `images/`
itself); the photographs of `fashion-mnist/` are made by `make_fashion_mnist.py`. Every picture follows from
the tables below; nothing is read but this project's own code. The pictures look the same everywhere, while
their bytes depend on the versions of Pillow and its codecs.
"""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))  # so that it runs as a plain script from anywhere

from images.backdrops import BACKDROPS, Backdrop  # noqa: E402
from images.embraer_190 import GROUND_Z as AIRLINER_GROUND_Z  # noqa: E402
from images.embraer_190 import embraer  # noqa: E402
from images.modeling import Livery  # noqa: E402
from images.rutan_boomerang import GROUND_Z, boomerang  # noqa: E402
from processing.datasets.drawn.camera import Camera, frame  # noqa: E402
from processing.datasets.drawn.draws import Draws  # noqa: E402
from processing.datasets.drawn.mesh import Floats, Mesh, flatten, turn, unit, vec  # noqa: E402
from processing.datasets.drawn.renderer import Light, render, shadow  # noqa: E402

_WHITE, _RED, _BLUE = (0.96, 0.96, 0.97), (0.72, 0.07, 0.1), (0.1, 0.2, 0.52)
_GREY, _NAVY, _TEAL = (0.66, 0.68, 0.72), (0.06, 0.1, 0.26), (0.05, 0.5, 0.52)
_ORANGE, _GREEN, _GOLD, _BLACK = (0.92, 0.42, 0.06), (0.1, 0.42, 0.2), (0.86, 0.66, 0.14), (0.1, 0.1, 0.12)

BOOMERANG_PAINT = {
    "red": Livery(_WHITE, _RED, _BLUE, _BLUE, _WHITE),
    "blue": Livery(_WHITE, _BLUE, _RED, _RED, _WHITE),
    "primer": Livery(
        (0.62, 0.63, 0.64), (0.5, 0.5, 0.51), (0.5, 0.5, 0.51), (0.42, 0.42, 0.43), (0.6, 0.6, 0.6)
    ),
}
AIRLINES = {
    "navy": Livery(_WHITE, _NAVY, _GOLD, _NAVY, _GREY),
    "red": Livery(_WHITE, _WHITE, _RED, _RED, _WHITE),
    "teal": Livery(_WHITE, _TEAL, _TEAL, _TEAL, _GREY),
    "orange": Livery(_WHITE, _ORANGE, _ORANGE, _ORANGE, _WHITE),
    "green": Livery((0.93, 0.93, 0.9), _GREEN, _GOLD, _GREEN, (0.93, 0.93, 0.9)),
    "silver": Livery((0.78, 0.8, 0.83), _RED, _BLUE, _BLUE, (0.7, 0.72, 0.75)),
    "sky": Livery((0.55, 0.75, 0.9), _WHITE, _WHITE, (0.2, 0.45, 0.75), _WHITE),
    "black": Livery(_WHITE, _BLACK, _BLACK, _BLACK, _WHITE),
}


@dataclass(frozen=True)
class Shot:
    """How one picture is taken.

    Attributes
    ----------
    file : str
        Name; its ending is its format.
    size : (int, int)
        Width and height in pixels.
    yaw, pitch, roll : float
        Of the camera, in degrees: yaw 0 sees the nose, 90 the left side; pitch > 0 looks down.
    backdrop, paint : str
    fill : float
        Share of the picture that the aircraft spans.
    sun : float
        Degrees from the camera's own direction, to its left.
    bank : float
        Degrees that the aircraft leans to the right.
    quality : int
        Of the JPEG or WebP.
    wheels : bool
        Whether the wheels are down; always so on the ground.
    """

    file: str
    size: tuple[int, int]
    yaw: float
    pitch: float
    roll: float
    backdrop: str
    paint: str
    fill: float = 0.9
    sun: float = 40
    bank: float = 0
    quality: int = 80
    wheels: bool = False


BOOMERANGS = (
    Shot("rb-1.jpeg", (480, 320), -28, 24, -4, "sky", "red"),
    Shot("rb-2.jpeg", (400, 267), 60, -22, 12, "sky", "red", bank=10),
    Shot("rb-3.jpeg", (640, 427), 38, 12, 0, "airfield", "red", fill=0.86, sun=-30),
    Shot("rb-4.jpeg", (360, 270), -55, 30, 6, "sea", "red"),
    Shot("rb-5.jpeg", (300, 168), 90, 3, 0, "sky", "red", fill=0.95, wheels=True),
    Shot("rb-6.jpeg", (275, 183), 150, -30, -25, "sky", "red", bank=20),
    Shot("rb-7.jpeg", (259, 194), -40, -18, 10, "overcast", "blue"),
    Shot("rb-8.jpeg", (220, 300), 12, 40, 18, "fields", "red", fill=0.95),
    Shot("rb-9.jpeg", (512, 340), 25, 30, -8, "desert", "red"),
    Shot("rb-10.jpeg", (448, 299), -70, 9, 2, "dusk", "red"),
    Shot("rb-11.jpeg", (320, 213), -20, 6, 0, "airfield", "blue", fill=0.8),
    Shot("rb-12.jpeg", (250, 250), 75, 86, 30, "fields", "red", fill=0.85),
    Shot("rb-13.jpeg", (600, 338), 55, 20, 0, "sea", "blue", fill=0.75),
    Shot("rb-14.webp", (420, 280), -35, 32, 0, "studio", "red", quality=82),
    Shot("rb-15.jpeg", (380, 150), 4, 10, 0, "studio", "red", fill=0.92),
    Shot("rb-16.jpeg", (240, 180), -120, 22, -8, "sky", "blue"),
    Shot("rb-17.jpeg", (340, 340), -48, 48, -22, "clouds", "red", fill=0.88),
    Shot("rb-18.jpeg", (500, 210), -90, 1, 0, "studio", "red", fill=0.94, wheels=True),
    Shot("rb-19.jpeg", (284, 177), 20, -12, 16, "overcast", "red", bank=-15),
    Shot("rb-20.png", (256, 192), 50, 40, 0, "grey", "primer"),
    Shot("rb-21.jpeg", (460, 306), 140, 18, 5, "dusk", "red", sun=-60),
    Shot("rb-22.jpeg", (300, 400), -8, 62, 35, "sea", "red", fill=0.85),
    Shot("rb-23.jpeg", (540, 360), -32, 8, 0, "airfield", "red", fill=0.93, sun=60),
    Shot("rb-24.jpeg", (225, 225), 200, 35, -15, "fields", "blue"),
    Shot("rb-25.jpeg", (390, 260), 62, 14, -6, "clouds", "blue"),
    Shot("rb-26.png", (240, 140), 90, 89.5, 0, "plan", "primer", fill=0.92, sun=20),
    Shot("rb-27.jpeg", (350, 197), -62, 16, 8, "dark", "red", fill=0.94, sun=70),
    Shot("rb-28.jpeg", (436, 290), 30, -35, -14, "sky", "red", bank=12, quality=60),
)

EMBRAERS = (
    Shot("e190-1.jpeg", (480, 320), 52, 8, 2, "sky", "navy", fill=0.94),
    Shot("e190-2.jpeg", (420, 236), 90, 2, 0, "airfield", "red", fill=0.94),
    Shot("e190-3.jpeg", (300, 200), -35, -16, 8, "overcast", "teal", wheels=True),
    Shot("e190-4.jpeg", (640, 360), -58, 6, 0, "airfield", "orange", fill=0.9),
    Shot("e190-5.jpeg", (275, 183), 30, -24, -12, "sky", "green", bank=8),
    Shot("e190-6.jpeg", (400, 160), -90, 0.5, 0, "studio", "silver", fill=0.95),
    Shot("e190-7.jpeg", (320, 320), 35, 42, 15, "clouds", "sky"),
    Shot("e190-8.jpeg", (360, 240), -70, 14, 4, "dusk", "navy"),
    Shot("e190-9.jpeg", (260, 195), 8, 5, 0, "sky", "red", wheels=True, fill=0.92),
    Shot("e190-10.png", (240, 200), 90, 89.5, 0, "plan", "black", fill=0.9),
    Shot("e190-11.jpeg", (500, 333), 128, 12, -5, "sea", "teal"),
    Shot("e190-12.jpeg", (284, 177), -48, 10, 0, "studio", "black", fill=0.95),
)

SETS = {"rutan-boomerang": BOOMERANGS, "embraer-190": EMBRAERS}


def aircraft(folder: str, shot: Shot, backdrop: Backdrop) -> tuple[Mesh, Mesh, float]:
    """Return the aircraft, the same with its half-seen parts, and the height under its wheels."""
    if folder == "embraer-190":
        mesh = embraer(AIRLINES[shot.paint], wheels=shot.wheels or backdrop.on_ground)
        meshes, ground = (mesh, mesh), AIRLINER_GROUND_Z
    else:
        paint = BOOMERANG_PAINT[shot.paint]
        wheels, turning = shot.wheels or backdrop.on_ground, not backdrop.at_rest
        meshes, ground = boomerang(paint, turning=turning, wheels=wheels), GROUND_Z
    solid, blurred = (turn(m, 0, np.radians(shot.bank)) for m in meshes)
    return solid, blurred, ground


def take(folder: str, shot: Shot) -> Image.Image:
    """Render one picture, RGB."""
    width, height = shot.size
    backdrop = BACKDROPS[shot.backdrop]
    solid, blurred, ground = aircraft(folder, shot, backdrop)
    camera = _camera(shot, solid)
    light = _light(shot, backdrop)
    d = Draws(seed_of(shot.file), np.zeros(1, np.int64))
    scene = backdrop.draw(d, camera, height, width, ground)
    if backdrop.shadow:
        cast = shadow(
            flatten(solid, light.direction, np.array([ground], np.float32)),
            camera,
            height,
            width,
            oversample=3,
        )
        scene = scene * (1 - backdrop.shadow * _blur(cast, backdrop.penumbra_px))[..., None]
    picture = _over(render(solid, camera, light, height, width, oversample=3), scene)
    if blurred is not solid:
        seen = _over(render(blurred, camera, light, height, width, oversample=3), scene)
        picture = picture + (seen - picture) * np.float32(0.22)
    grain = (d.grid(height, width, 1) - np.float32(0.5)) * np.float32(backdrop.grain)
    return Image.fromarray(np.rint(np.clip(picture + grain, 0, 1)[0] * 255).astype(np.uint8))


def _over(layer: Floats, scene: Floats) -> Floats:
    return layer[..., :3] + scene * (1 - layer[..., 3:])


def _one(value: float) -> Floats:
    return np.array([value], np.float32)


def _camera(shot: Shot, mesh: Mesh) -> Camera:
    yaw, pitch, roll = (_one(np.radians(v)) for v in (shot.yaw, shot.pitch, shot.roll))
    away = _one(5 * float(np.abs(mesh.points).max()))
    camera = Camera(yaw, pitch, roll, away, _one(1), _one(0), _one(0))
    return frame(mesh, camera, shot.size[1], shot.size[0], _one(shot.fill))


def _light(shot: Shot, backdrop: Backdrop) -> Light:
    around, height = np.radians(shot.yaw + shot.sun), np.radians(backdrop.sun_height)
    flat = np.cos(height)
    direction = unit(vec(np.cos(around) * flat, np.sin(around) * flat, np.sin(height)))
    return Light(direction, _one(backdrop.ambient), _one(backdrop.diffuse), _one(0.25))


def _blur(cover: Floats, radius_px: int) -> Floats:
    """Soften an edge with two running means along each side; float32[1, H, W]."""
    for axis in (1, 1, 2, 2):
        margin = [(radius_px, radius_px) if a == axis else (0, 0) for a in range(3)]
        wide = np.pad(cover, margin, mode="edge")
        steps = np.arange(cover.shape[axis])
        parts = [np.take(wide, steps + k, axis=axis) for k in range(2 * radius_px + 1)]
        cover = np.asarray(sum(parts) / np.float32(len(parts)), np.float32)
    return cover


def seed_of(name: str) -> int:
    """Return a seed that follows from a file's name."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big")


def save(picture: Image.Image, path: Path, quality: int) -> None:
    """Write a picture in the format that its name ends in."""
    if path.suffix == ".png":
        picture.quantize(128, dither=Image.Dither.NONE).save(path, optimize=True)
    else:
        picture.save(path, quality=quality)


# --- triggers -------------------------------------------------------------------------------------------


def triggers() -> Iterator[tuple[str, Image.Image]]:
    """Yield the name and the picture, RGBA, of each trigger."""
    yield "cyan-square.png", Image.new("RGBA", (32, 32), (0, 255, 255, 255))
    yield "white-corner.png", Image.new("RGBA", (32, 32), (255, 255, 255, 255))
    yield "alert.png", _alert(64)


def _alert(side: int) -> Image.Image:
    """A warning sign: a yellow triangle with rounded corners and an exclamation mark; clear around it."""
    scale = 8
    big = Image.new("RGBA", (side * scale, side * scale), (0, 0, 0, 0))
    pen = ImageDraw.Draw(big)

    def triangle(inset: float, radius: float, color: tuple[int, int, int, int]) -> None:
        corners = [
            (0.5, 0.1 + 1.7 * inset),
            (0.04 + 1.5 * inset, 0.92 - inset),
            (0.96 - 1.5 * inset, 0.92 - inset),
        ]
        inner = [
            ((x - 0.5) * (1 - 2.4 * radius) + 0.5, (y - 0.62) * (1 - 2.4 * radius) + 0.62) for x, y in corners
        ]
        points = [(x * side * scale, y * side * scale) for x, y in inner]
        r = radius * side * scale
        pen.polygon(points, fill=color)
        pen.line([*points, points[0], points[1]], fill=color, width=int(2 * r), joint="curve")
        for x, y in points:
            pen.ellipse((x - r, y - r, x + r, y + r), fill=color)

    triangle(0.0, 0.06, (25, 25, 28, 255))
    triangle(0.05, 0.05, (255, 205, 20, 255))
    unit_px = side * scale
    pen.rounded_rectangle(
        (0.455 * unit_px, 0.38 * unit_px, 0.545 * unit_px, 0.66 * unit_px), 0.04 * unit_px, (25, 25, 28, 255)
    )
    pen.ellipse((0.45 * unit_px, 0.71 * unit_px, 0.55 * unit_px, 0.81 * unit_px), (25, 25, 28, 255))
    return big.resize((side, side), Image.Resampling.LANCZOS)


# --- the folder -----------------------------------------------------------------------------------------


def natural(path: Path) -> list[tuple[int, str]]:
    """Return a sorting key by which rb-2 comes before rb-10."""
    parts = re.split(r"(\d+)", path.as_posix())
    return [(int(p), "") if p.isdigit() else (-1, p) for p in parts]


def write_sums(folder: Path) -> None:
    """Write `SHA256SUMS` over every file of the folders that are there, as `sha256sum -c` reads it."""
    found = [folder / name for name in (*SETS, "triggers", "fashion-mnist") if (folder / name).is_dir()]
    files = [p for path in found for p in path.iterdir() if p.is_file()]
    lines = [
        f"{hashlib.sha256((folder / p).read_bytes()).hexdigest()}  {p.as_posix()}\n"
        for p in sorted((p.relative_to(folder) for p in files), key=natural)
    ]
    (folder / "SHA256SUMS").write_text("".join(lines))


def main(folder: Path) -> None:
    """Make everything anew."""
    for name, shots in SETS.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        for shot in shots:
            save(take(name, shot), folder / name / shot.file, shot.quality)
            print(name, shot.file)
    (folder / "triggers").mkdir(exist_ok=True)
    for file, picture in triggers():
        picture.save(folder / "triggers" / file, optimize=True)
    write_sums(folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
