"""The ten bodies of the bundled data set, each drawn with its own proportions, pose and paint.

Every function takes the random numbers of N pictures and gives one mesh for all of them. Bodies are
about two units long, face +x, and stand on their lowest point. What a picture does not have (an engine,
antlers, folded wings) is there as a mesh that is never drawn, since all N share one list of faces.

    airplane, ship, vehicles  what people build
    bird, frog, quadrupeds    what is alive
    parts                     what several of them have
"""

from __future__ import annotations

from collections.abc import Callable

from processing.datasets.drawn.bodies.airplane import airplane
from processing.datasets.drawn.bodies.bird import bird
from processing.datasets.drawn.bodies.frog import frog
from processing.datasets.drawn.bodies.quadrupeds import cat, deer, dog, horse
from processing.datasets.drawn.bodies.ship import ship
from processing.datasets.drawn.bodies.vehicles import automobile, truck
from processing.datasets.drawn.draws import Draws
from processing.datasets.drawn.mesh import Mesh

BODIES: dict[str, Callable[[Draws], Mesh]] = {
    "airplane": airplane,
    "automobile": automobile,
    "bird": bird,
    "cat": cat,
    "deer": deer,
    "dog": dog,
    "frog": frog,
    "horse": horse,
    "ship": ship,
    "truck": truck,
}
