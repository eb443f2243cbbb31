"""What differs between two tables of plain JSON, key by key."""

# ruff: noqa: RUF002  a page for people has dashes between numbers

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# What stands where one of the two has no such key.
ABSENT = "–"

# By what an entry of a list is known to be the same, whatever its place; the first that fits.
_IDENTITIES = ("id", "name", "kind")

_NOTHING = object()


@dataclass(frozen=True)
class Change:
    """A setting that differs.

    Attributes
    ----------
    key : str
        As `--set` takes it, `attacks.0.rate`; of an entry that has moved in its list with both places,
        `attacks.0→1.rate`.
    old, new : str
        As text; `ABSENT` where there is none.
    """

    key: str
    old: str
    new: str


def changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[Change, ...]:
    """Return what differs between two tables, in their order.

    Entries of a list of tables are matched: first those that are alike, then by `id`, `name` and `kind`.

    >>> changes({"harden": [{"kind": "retrain", "epochs": 3}]}, {"harden": [{"kind": "retrain"}]})
    (Change(key='harden.0.epochs', old='3', new='–'),)
    """
    return tuple(_tables("", old, new))


def _tables(key: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    for name in [*old, *(name for name in new if name not in old)]:
        yield from _values(f"{key}.{name}" if key else name, old.get(name, _NOTHING), new.get(name, _NOTHING))


def _values(key: str, old: Any, new: Any) -> Iterator[Change]:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        yield from _tables(key, old, new)
    elif _has_tables(old) and _has_tables(new) and (old or new):
        yield from _lists(key, old, new)
    elif old != new:
        yield Change(key, say(old), say(new))


def _has_tables(value: Any) -> bool:
    """Whether it is a list of tables; an empty one may be."""
    return isinstance(value, list | tuple) and all(isinstance(each, Mapping) for each in value)


def _lists(key: str, old: Sequence[Any], new: Sequence[Any]) -> Iterator[Change]:
    pairs = _matched(old, new)
    for place, entry in enumerate(new):
        before = pairs.get(place)
        if before is None:
            yield Change(f"{key}.{place}", ABSENT, say(entry))
        else:
            where = f"{place}" if before == place else f"{before}→{place}"
            yield from _tables(f"{key}.{where}", old[before], entry)
    for place in sorted(set(range(len(old))) - set(pairs.values())):
        yield Change(f"{key}.{place}", say(old[place]), ABSENT)
    kept = [pairs[place] for place in sorted(pairs)]
    if kept != sorted(kept):
        names = [_name(old[place]) for place in sorted(kept)], [_name(old[place]) for place in kept]
        yield Change(f"{key} (order)", ", ".join(names[0]), ", ".join(names[1]))


def _matched(old: Sequence[Any], new: Sequence[Any]) -> dict[int, int]:
    """Return which entry of the new list is which of the old one, by their places; each once."""
    pairs: dict[int, int] = {}
    for key in (None, *_IDENTITIES):
        for place, entry in enumerate(new):
            wanted = entry if key is None else entry.get(key)
            if place in pairs or wanted is None:
                continue
            left = (k for k in range(len(old)) if k not in pairs.values())
            found = next((k for k in left if (old[k] if key is None else old[k].get(key)) == wanted), None)
            if found is not None:
                pairs[place] = found
    return pairs


def _name(entry: Mapping[str, Any]) -> str:
    return say(next((entry[key] for key in _IDENTITIES if entry.get(key) is not None), entry))


def say(value: Any) -> str:
    """Return a value as text: a word as it is, all else as JSON; in tables what is not set is left out.

    >>> say("retrain"), say(""), say(0.02), say(None), say({"kind": "jpeg", "quality": 75, "seed": None})
    ('retrain', '""', '0.02', 'not set', '{kind: jpeg, quality: 75}')
    """
    if value is _NOTHING:
        return ABSENT
    if value is None:
        return "not set"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {say(each)}" for key, each in value.items() if each is not None) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(say, value)) + "]"
    return value if isinstance(value, str) and value else json.dumps(value)
