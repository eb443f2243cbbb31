"""What the plain sentences about attacks are made of; see `processing.attacks.common.base.Attack.deed`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Facts:
    """What a sentence about an attack may need beyond its settings.

    Attributes
    ----------
    rows : int
        How many rows it poisoned.
    shows : mapping of str to str
        The class that each picture set shows.
    """

    rows: int
    shows: Mapping[str, str] = field(default_factory=dict)


def counted(count: int, noun: str) -> str:
    """Return a number with its noun, which takes an s.

    >>> counted(1, "picture"), counted(1200, "picture")
    ('1 picture', '1,200 pictures')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def quoted(name: str) -> str:
    """Return a name of the data's in quotes: a class, a set of pictures."""
    return f"“{name}”"


def sentence(text: str) -> str:
    """Return a text that begins with a capital; what follows stays as it is."""
    return text[:1].upper() + text[1:]
