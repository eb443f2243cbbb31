"""What an attack is measured on: the images, what they really show, and where they are from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from boomerang.blocks import let_go, slices
from boomerang.manifest import Bools, Calls, Dataset, Images, Labels, Rows
from processing.attacks.common.pool import Props, label_of
from processing.sharing.spool import Spool

# What the test set is called as a source, and what stands before the name of a picture set.
TEST, PICTURES = "test", "pictures "
_AT_ONCE = 1024


def _no_rows() -> Rows:
    return np.empty(0, np.int64)


def waiting(pieces: Iterable[Images], like: Images) -> Images:
    """Return images that come in pieces as one array, in a file and mapped where they are more than a block.

    Parameters
    ----------
    pieces : iterable of uint8[M, H, W, C]
    like : uint8[N, H, W, C]
        What they are made from; it is let go after each.
    """
    spool = Spool()
    spool.add(np.asarray(like[:0]))
    for piece in pieces:
        spool.add(np.asarray(piece))
        let_go(like)
    x = spool.rows()
    x.flags.writeable = False
    return x


@dataclass(frozen=True)
class Sample:
    """Images that an attack may be measured on.

    Attributes
    ----------
    x : uint8[N, H, W, C], 0..255
    y : int64[N]
        What they really show.
    sources : tuple of str
        The datasets that they are from, one after the other: `test`, or `pictures NAME`.
    rows : int64[N]
        Where in those, counted through, each is from.
    """

    x: Images
    y: Labels
    sources: tuple[str, ...]
    rows: Rows


@dataclass(frozen=True)
class Trial:
    """The images that one attack is measured on.

    Attributes
    ----------
    name, kind, outcome : str
    target : int or None
        None if the attack is untargeted, and then there are no images, or each image has its own target.
    x : uint8[N, H, W, C], 0..255
        With the trigger, where the attack has one.
    before : uint8[N, H, W, C] or None
        The same images without it.
    y : int64[N]
        What they really show.
    sources, rows
        See `Sample`; empty where the images are frozen probes.
    targets : int64[N] or None
        The class that each image should be called, where that is not one for all.
    """

    name: str
    kind: str
    outcome: str
    target: int | None
    x: Images
    before: Images | None
    y: Labels
    sources: tuple[str, ...] = ()
    rows: Rows = field(default_factory=_no_rows)
    targets: Labels | None = None

    @property
    def aimed(self) -> bool:
        """Whether there is a class that an image should be called."""
        return self.target is not None or self.targets is not None

    def hits(self, calls: Calls) -> Bools:
        """Return bool[N]: the images that a model called, as int64[N] says, what the attack aims at."""
        return np.asarray(calls == (self.target if self.targets is None else self.targets), bool)


@dataclass(frozen=True)
class Stage:
    """What an attack can be staged on once more, to be measured.

    Attributes
    ----------
    test : Dataset
    photos : mapping of str to Dataset
        The prepared picture sets by name.
    props : mapping of str to array
        The trigger images, and what the attack kept; see `processing.attacks.common.pool.Props`.
    """

    test: Dataset
    photos: Mapping[str, Dataset]
    props: Props = field(default_factory=dict)

    def label(self, name: str) -> int:
        """Return the index of a class; raises ConfigError for a class that the data does not have."""
        return label_of(name, self.test.classes)

    def victims(self, source: str | None, target: str) -> Sample:
        """Return the test images of a class, or without one those of every class but the target."""
        labels, aimed_at = np.asarray(self.test.y), self.label(target)
        return self.tested(labels != aimed_at if source is None else labels == self.label(source))

    def tested(self, chosen: Bools) -> Sample:
        """Return some of the test images; which, says bool[N]."""
        rows = np.flatnonzero(chosen)
        some = (self.test.x[rows[part]] for part in slices(len(rows), _AT_ONCE))
        return Sample(waiting(some, self.test.x), np.asarray(self.test.y[rows]), (TEST,), rows)

    def nothing(self) -> Sample:
        """Return no image, for an attack that aims at no class."""
        return self.tested(np.zeros(len(self.test), bool))

    def pictured(self, *names: str) -> Sample:
        """Return every picture of some sets, in order."""
        x = np.concatenate([self.photos[name].x for name in names])
        y = np.concatenate([self.photos[name].y for name in names])
        return Sample(x, y, tuple(f"{PICTURES}{name}" for name in names), np.arange(len(y)))
