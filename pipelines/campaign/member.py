"""One cell of a campaign: a whole entry under a name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from boomerang.errors import ConfigError
from pipelines.campaign.sections import Config

# The field of an item by which its cell is known; it is a part of addresses.
NAME = "name"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")


@dataclass(frozen=True)
class Member:
    """A cell: its name, and the entry as `pipelines.campaign.entry.load` returns it."""

    name: str
    config: Config


def check_members(members: Sequence[Member]) -> None:
    """Refuse members that cannot be one pipeline.

    Raises
    ------
    ConfigError
        If there are none, a name is no name or two cells have it, or `[jobs]` or `[gate]` differ: machines
        and limits are parameters of the whole pipeline.
    """
    if not members:
        raise ConfigError("campaign", "it has no cells", "leave one in")
    seen: set[str] = set()
    for member in members:
        if not _NAME.fullmatch(member.name) or member.name in seen:
            why = "two cells have that name, or it is none"
            do = "use up to 100 letters, digits, dots, dashes and underscores"
            raise ConfigError(f"cell '{member.name}'", why, do)
        seen.add(member.name)
        _check_alike(member, members[0])


def _check_alike(member: Member, first: Member) -> None:
    for section in ("jobs", "gate"):
        if getattr(member.config, section) != getattr(first.config, section):
            why = f"its [{section}] is not that of '{first.name}', and a pipeline has one for all"
            do = f"give all cells the same [{section}], or start them as two campaigns"
            raise ConfigError(f"cell '{member.name}'", why, do)
