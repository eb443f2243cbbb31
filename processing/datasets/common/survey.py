"""What is known of a source's files before any row is made: what they are, and how many of each class."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from processing.datasets.common.fitting import check_names

Refusals = tuple[dict[str, str], ...]


@dataclass(frozen=True)
class Survey:
    """What a glance at the files of a source tells.

    Attributes
    ----------
    words : str
        What was recognized: `an .npz file with x_train, y_train, x_test, y_test`.
    classes : tuple of str
        In the order of the labels.
    image : (int, int, int)
        (H, W, C) of every image, as the steps get it.
    counts : mapping of str to tuple of int
        Of `train`, `test` and, where the files have one, `validation`, the rows of each class. Of pictures
        that are not decoded yet, the files.
    notes : tuple of str
        What is made of the files on the way: a line each.
    refused : tuple of dict
        What is left out: `name` and `reason` of each.
    """

    words: str
    classes: tuple[str, ...]
    image: tuple[int, int, int]
    counts: Mapping[str, tuple[int, ...]]
    notes: tuple[str, ...] = ()
    refused: Refusals = ()

    def of_classes(self, names: tuple[str, ...]) -> Survey:
        """Return what it is of the classes named, in their order; all where none is.

        Raises
        ------
        ConfigError
            If the data has no such class.
        """
        if not names:
            return self
        check_names(names, self.classes)
        places = [self.classes.index(name) for name in names]
        counts = {part: tuple(rows[place] for place in places) for part, rows in self.counts.items()}
        return replace(self, classes=names, counts=counts)
