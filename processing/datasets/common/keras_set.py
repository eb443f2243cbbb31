"""The published sets that Keras can download."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar

from boomerang.config import Spec
from boomerang.errors import BadInput
from processing.datasets.common.base import Source
from processing.datasets.common.corpus import Blueprint, Corpus, Request, as_split, sliced
from processing.datasets.common.examples import write_npz
from processing.datasets.common.foreign.arrays import ArraySource, Found
from processing.datasets.common.foreign.recognition import recognized
from processing.datasets.common.survey import Survey

_NAMES = (("x_train", "y_train"), ("x_test", "y_test"))


class KerasSet(Source):
    """A set of `keras.datasets`, whose module there is named as its kind: from files, or downloaded.

    Class attributes
    ----------------
    image
        (H, W) or (H, W, C), as the set has it.
    """

    classes: ClassVar[tuple[str, ...]]
    image: ClassVar[tuple[int, ...]]
    published: ClassVar[bool] = True

    def blueprint(self, request: Request) -> Blueprint:
        """Return it, its rows to be taken from the files."""
        return (
            sliced(self.download())
            if request.path is None
            else self.find(request.path).blueprint(request.seed)
        )

    def survey(self, path: Path, name: str = "") -> Survey:
        """Return what a glance at the files tells."""
        return self.find(path).survey()

    def find(self, path: Path) -> Found:
        """Return the arrays that lie at a path, in whatever form, under the set's name and classes.

        Raises
        ------
        BadInput
            If they are no arrays, or cannot be used.
        """
        from processing.datasets import SOURCES  # it imports this module

        kind, place = recognized(path)
        source = SOURCES.create(Spec(kind=kind))
        if not isinstance(source, ArraySource):
            why = f"{self.title} was named, and what lies there is {source.title}"
            raise BadInput(path.name, why, f'say source = "{kind}"')
        return replace(source.find(place, self.name), name=self.name, classes=self.classes)

    @property
    def name(self) -> str:
        """What the data is called in manifests."""
        return self.kind.replace("_", "-")

    def download(self) -> Corpus:
        """Download it through `keras.datasets`, whose cache keeps the file.

        Raises
        ------
        BadInput
            If the download fails.
        """
        load: Callable[[], Any] = import_module(f"keras.datasets.{self.kind}").load_data
        try:
            parts = load()
        except Exception as error:
            # Keras raises a bare Exception where the network fails.
            do = f"download it elsewhere and set data.path to an .npz with {', '.join(sum(_NAMES, ()))}"
            raise BadInput(f"the download of {self.name}", str(error), do) from error
        train, test = (as_split(x, y, self.name, _NAMES[part]) for part, (x, y) in enumerate(parts))
        return Corpus(self.name, self.classes, train, test)

    @classmethod
    def write_example(cls, folder: Path) -> bool:
        """Write noise of the same shape, in Keras' layout."""
        write_npz(folder / "example.npz", cls.image, len(cls.classes))
        return True
