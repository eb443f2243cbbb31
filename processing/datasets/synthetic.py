"""The bundled data set: ten classes drawn from simple 3-D shapes, so that nothing needs downloading.

The classes carry CIFAR-10's names in CIFAR-10's order, and the pictures have CIFAR-10's shape, but they
are not CIFAR-10: they are drawn by `processing.datasets.drawn`. Numbers measured on this data set are not
CIFAR-10 numbers, and must be reported under `NAME`.

Must not import TensorFlow.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from processing.datasets.common.base import Source
from processing.datasets.common.corpus import Blueprint, Corpus, Request, Split
from processing.datasets.drawn.bodies import BODIES
from processing.datasets.drawn.camera import Camera, frame
from processing.datasets.drawn.draws import Draws
from processing.datasets.drawn.mesh import Floats, Mask, Mesh, flatten, unit, vec
from processing.datasets.drawn.renderer import Light, render, shadow
from processing.datasets.drawn.scenes import SCENES, background, margins, pad, photograph
from processing.sharing.tasks import Piece, Task

NAME = "boomerang-synthetic-10"
CLASSES: tuple[str, ...] = tuple(BODIES)
SIDE_PX = 32
TRAIN, TEST = 10_000, 3_000

_BLOCK = 128  # pictures at once: the working arrays stay within a few dozen MB
_DRAWN_AT_ONCE = 5_000
_THREADS = 2  # more gain nothing: the small steps between the large ones hold the interpreter
_TEST_SEED = 1 << 32  # the test set draws from seeds that no training set has


@dataclass(frozen=True)
class _Setting:
    """Where a class is seen.

    Attributes
    ----------
    scenes : seven floats
        Weights of sky, grass, road, water, woods, studio and clutter, the order of `SCENES`.
    aloft : tuple of str
        Scenes in which it flies: seen from anywhere, tilted, and without a shadow.
    steep : float
        The steepest view from above when it flies, in radians.
    padded : float
        Share of the pictures with white margins; pictures of what flies are often wide.
    """

    scenes: tuple[float, ...]
    aloft: tuple[str, ...] = ()
    steep: float = 0.0
    padded: float = 0.12


_SETTINGS = {
    "airplane": _Setting((8, 1.2, 1.6, 1.2, 0, 3, 0), ("sky", "grass", "water", "studio"), 1.2, 0.45),
    "automobile": _Setting((0, 0.6, 9, 0, 0.2, 1.2, 0.6)),
    "bird": _Setting((2, 2, 0, 0.4, 6, 1.2, 0), ("sky",), 0.4, 0.3),
    "cat": _Setting((0, 0.8, 0.2, 0, 0.2, 1.2, 12)),
    "deer": _Setting((0, 2, 0, 0, 10, 0.4, 0)),
    "dog": _Setting((0, 10, 0.4, 0.1, 0, 1, 1)),
    "frog": _Setting((0, 3, 0, 5, 2, 1.2, 0)),
    "horse": _Setting((0, 10, 0.6, 0.1, 0.8, 0.6, 0)),
    "ship": _Setting((0.1, 0, 0, 12, 0, 0.8, 0)),
    "truck": _Setting((0.1, 0.6, 9, 0, 0.2, 1.2, 0.2)),
}


class Synthetic(Source):
    """The bundled default, drawn by this project: ten classes with CIFAR-10's names and shape; not CIFAR-10.

    Where the config does not say how many rows, 10,000 are drawn to train on (and as many more as validation
    and canaries take) and 3,000 to test on.
    """

    title: ClassVar[str] = "drawn pictures"
    words: ClassVar[str] = "pictures drawn by this project; not CIFAR-10"
    classes: ClassVar[tuple[str, ...] | None] = CLASSES
    image: ClassVar[tuple[int, ...] | None] = (SIDE_PX, SIDE_PX, 3)

    kind: Literal["synthetic"] = "synthetic"

    def blueprint(self, request: Request) -> Blueprint:
        """Return the pictures, still to be drawn."""
        train = (request.train or TRAIN) + request.extra_train
        return blueprint(train, request.test or TEST, request.seed)


def blueprint(train: int = TRAIN, test: int = TEST, seed: int = 0) -> Blueprint:
    """Return the data set still to be drawn, its classes balanced to within one picture, its rows shuffled.

    Parameters
    ----------
    train, test : int
        Numbers of pictures.
    seed : int
        0 <= seed < 2**32. Training and test pictures never share a random stream.

    Raises
    ------
    ValueError
        When a size is negative or the seed is out of range.
    """
    if min(train, test) < 0 or not 0 <= seed < _TEST_SEED:
        raise ValueError(f"sizes must be >= 0 and 0 <= seed < 2**32; got {train=}, {test=}, {seed=}")
    test_seed = seed + _TEST_SEED
    y_train, y_test = labels(train, seed), labels(test, test_seed)

    def assemble(pieces: Sequence[Piece]) -> Corpus:
        x_train, x_test = (piece.rows for piece in pieces)
        return Corpus(NAME, CLASSES, Split(x_train, y_train), Split(x_test, y_test))

    tasks = (_drawing("train", y_train, seed), _drawing("test", y_test, test_seed))
    return Blueprint(CLASSES, (SIDE_PX, SIDE_PX, 3), tasks, assemble)


def _drawing(name: str, y: NDArray[np.int64], seed: int) -> Task:
    return Task(
        name, len(y), lambda start, stop: Piece(draw(y[start:stop], seed, start)), at_once=_DRAWN_AT_ONCE
    )


def labels(count: int, seed: int) -> NDArray[np.int64]:
    """Return `count` labels, int64 in 0..9, balanced and shuffled."""
    return np.random.default_rng(seed).permutation(np.arange(count, dtype=np.int64) % len(CLASSES))


def draw(y: NDArray[np.int64], seed: int, first: int = 0) -> NDArray[np.uint8]:
    """Draw one picture for each label; a picture depends on seed, its number and its label alone.

    Parameters
    ----------
    y : int64[N], 0..9
        Classes to draw, as numbers in `CLASSES`.
    seed : int
        0 <= seed < 2**64.
    first : int
        The number of the first of them in the data set; the others follow it.

    Returns
    -------
    uint8[N, 32, 32, 3]
        RGB, 0..255. The same bytes for the same numbers, with one version of numpy.

    Raises
    ------
    ValueError
        When a label is not in 0..9.
    """
    if y.size and (y.min() < 0 or y.max() >= len(CLASSES)):
        raise ValueError(f"labels must lie in 0..{len(CLASSES) - 1}; got {y.min()}..{y.max()}")
    x = np.empty((len(y), SIDE_PX, SIDE_PX, 3), np.uint8)
    by_class = [(name, np.flatnonzero(y == number)) for number, name in enumerate(CLASSES)]
    blocks = [(name, rows[i : i + _BLOCK]) for name, rows in by_class for i in range(0, len(rows), _BLOCK)]

    def fill(block: tuple[str, NDArray[np.int64]]) -> None:
        name, rows = block
        x[rows] = _pictures(name, Draws(seed, first + rows))

    with ThreadPoolExecutor(_THREADS) as pool:  # numpy lets go of the interpreter while it computes
        for _ in pool.map(fill, blocks):
            pass
    return x


def _pictures(name: str, d: Draws) -> NDArray[np.uint8]:
    """Draw one class: body, camera, light, scene, shadow, photograph."""
    setting = _SETTINGS[name]
    mesh = BODIES[name](d)
    scene = d.pick(setting.scenes)
    aloft = np.isin(scene, [SCENES.index(s) for s in setting.aloft])
    rows, columns = margins(d, setting.padded)
    room = np.asarray(1 - 2 * np.maximum(rows, columns), np.float32)
    camera = _camera(d, mesh, aloft, setting.steep, room)
    light = _light(d, camera)
    back = background(d, camera, scene, SIDE_PX, SIDE_PX) * _shadow(d, mesh, camera, light, aloft)
    body = render(mesh, camera, light, SIDE_PX, SIDE_PX)
    picture = pad(photograph(d, body[..., :3] + back * (1 - body[..., 3:])), rows, columns)
    return np.asarray(np.rint(picture * 255), np.uint8)


def _shadow(d: Draws, mesh: Mesh, camera: Camera, light: Light, aloft: Mask) -> Floats:
    """Return how much of the ground's brightness the body leaves, float32[N, H, W, 1]."""
    ground = mesh.points[..., 2].min(axis=1)
    cast = shadow(flatten(mesh, light.direction, ground), camera, SIDE_PX, SIDE_PX)
    depth = np.where(aloft, np.float32(0), d.uniform(0.2, 0.6))
    return np.asarray(1 - cast * depth[:, None, None], np.float32)[..., None]


def _camera(d: Draws, mesh: Mesh, aloft: Mask, steep: float, room: Floats) -> Camera:
    """Look from the side and slightly above; from anywhere, and tilted, at what is aloft."""
    pitch = np.where(aloft, d.uniform(-0.45, steep), 0.02 + 0.35 * d.uniform() ** 2)
    roll = np.where(aloft, d.uniform(-0.4, 0.4), d.uniform(-0.06, 0.06))
    side = np.where(d.flag(0.5), 0.5, 1.5) * np.pi
    yaw = np.where(aloft, d.uniform(0, 2 * np.pi), side + d.uniform(-0.4, 0.4))
    one = np.ones(len(d), np.float32)
    angles = [v.astype(np.float32) for v in (yaw, pitch, roll)]
    camera = Camera(angles[0], angles[1], angles[2], d.uniform(4.5, 9), one, one, one)
    camera = frame(mesh, camera, SIDE_PX, SIDE_PX, room * d.uniform(0.85, 1.0))
    slack = SIDE_PX * 0.04
    return replace(
        camera,
        center_x_px=camera.center_x_px + d.uniform(-slack, slack),
        center_y_px=camera.center_y_px + d.uniform(-slack, slack),
    )


def _light(d: Draws, camera: Camera) -> Light:
    """Light from above, on the camera's side more often than not."""
    around, height = camera.yaw + d.uniform(-1.4, 1.4), d.uniform(0.5, 1.3)
    flat = np.cos(height)
    ambient = d.uniform(0.45, 0.7)
    return Light(
        direction=unit(vec(np.cos(around) * flat, np.sin(around) * flat, np.sin(height))),
        ambient=ambient,
        diffuse=d.uniform(1.0, 1.15) - ambient,
        gloss=d.uniform(0, 0.25),
    )
