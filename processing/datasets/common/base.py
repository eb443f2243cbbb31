"""What every data source has in common, and the check of the section that describes one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from boomerang.config import Strict
from boomerang.errors import ConfigError, nearest
from boomerang.settings import DataConfig
from processing.datasets.common.corpus import Blueprint, Request
from processing.datasets.common.survey import Survey

CIFAR10_CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
DIGITS = tuple("0123456789")


class Source(Strict, ABC):
    """Where images come from: what one source alone knows of the section `[data]` of a config.

    How to write one: a file `processing/datasets/KIND.py` with one class derived from this one, whose
    docstring says what the data is, how much of it there is and who made it. Nothing else has to name it. The
    class has

    * a field `kind: Literal["KIND"] = "KIND"`, and a field with a default for each setting of its own; a
      setting must not be called as a key that every source has (`boomerang.settings.DataConfig`);
    * `title` and `words`, which say in reports what it is;
    * `classes` and `image`, where they are known before any file is read: a wrong class in a config, or a
      trigger that does not fit, is then an error at once;
    * `recognizes` and `survey`, where it reads files: which ones, and what a glance at them tells, so that
      whatever is wrong with them is said before any job;
    * `blueprint`, which says what rows there will be and gives the work that makes them, so that several
      machines can share it. Rows that are there already are `sliced`; where they are made, a task says of how
      many at a time (`Task.at_once`), and the others wait on the disk. The same request gives the same bytes;
    * `write_example`, where it reads files.

    Class attributes
    ----------------
    title, words
        What it is called, and what it is, in a few words of a sentence.
    classes
        The class names in the order of the labels; None where the data says.
    image
        (H, W) or (H, W, C) of every image; None where the data says.
    needs_path
        Whether there is no data without `data.path`.
    published
        Whether it is a published set, which is read under its own class names from whatever lies at a path.
    names_sources
        Whether its files may say who delivered the rows.
    example
        Settings for the tests.
    """

    title: ClassVar[str]
    words: ClassVar[str]
    classes: ClassVar[tuple[str, ...] | None] = None
    image: ClassVar[tuple[int, ...] | None] = None
    needs_path: ClassVar[bool] = False
    published: ClassVar[bool] = False
    names_sources: ClassVar[bool] = False
    example: ClassVar[Mapping[str, Any]] = {}

    kind: str

    @abstractmethod
    def blueprint(self, request: Request) -> Blueprint:
        """Return the data with its rows still to be drawn, decoded or taken.

        Raises
        ------
        BadInput
            If the source's files cannot be used.
        """

    @classmethod
    def recognizes(cls, path: Path) -> bool:
        """Whether what lies at a path is what this source reads, by content and layout and not by name alone.

        It must be quick, and must not raise: what is damaged inside is for `survey` to say. A file that a
        config names reaches a job in a folder of its own, which has to be recognized like the file.
        """
        return False

    def survey(self, path: Path, name: str = "") -> Survey | None:
        """Return what a glance at the files tells, before any row is made; None where there are none.

        Parameters
        ----------
        path : Path
        name : str
            What the user calls it; else its own name.

        Raises
        ------
        BadInput
            As `blueprint` would, as far as it shows.
        """
        return None

    @classmethod
    def write_example(cls, folder: Path) -> bool:
        """Write a small set of the files that this source reads into a folder, for the tests.

        Returns
        -------
        bool
            False if it reads none.
        """
        return False


def check_source(config: DataConfig) -> Source:
    """Return the source that a config's section `[data]` describes, all of the section checked.

    Raises
    ------
    ConfigError
        If there is no such source, a key is unknown (each with the nearest known one) or wrong, or the source
        needs a path and has none.
    """
    from processing.datasets import SOURCES  # it imports this module

    if config.source not in SOURCES:
        why = f"there is no source '{config.source}'"
        raise ConfigError("'data.source'", why, nearest(config.source, SOURCES))
    known = {*DataConfig.model_fields, *SOURCES[config.source].model_fields} - {"kind"}
    unknown = next((key for key in config.model_extra or {} if key not in known), None)
    if unknown is not None:
        raise ConfigError(f"unknown key 'data.{unknown}'", nearest(unknown, known))
    source = SOURCES.create(config.spec, where="data")
    if source.needs_path and not config.path:
        why = f"source '{config.source}' needs a path"
        raise ConfigError("'data.path'", why, "name the file or folder that it reads")
    return source
