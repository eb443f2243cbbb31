"""Who delivered the rows of a training set, before it is poisoned and after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from boomerang.blocks import Vouch, row_digests
from boomerang.errors import ConfigError, nearest
from boomerang.formats.truth import Truth
from boomerang.manifest import Bools, Digests, Images, Labels, Rows
from processing.attacks.common.base import Attack


@dataclass(frozen=True)
class After:
    """Who is said to have delivered the rows of a poisoned training set, and what they vouch for.

    Attributes
    ----------
    sources : int64[N] or None
        An index into the names of the suppliers, -1 for nobody; None where no source is known.
    vouch : callable or None
        See `boomerang.blocks.new_dataset`; None where nobody vouches for a row.
    """

    sources: Rows | None = None
    vouch: Vouch | None = None


@dataclass(frozen=True)
class Suppliers:
    """Who delivered the rows of the clean training set.

    Attributes
    ----------
    sources : int64[N] or None
        An index into `names`, -1 for nobody; None where no source is known.
    names : tuple of str
    vouched : uint8[N, 32] or None
        What they say that each row is, see `boomerang.blocks.row_digests`; None where they do not.
    """

    sources: Rows | None = None
    names: tuple[str, ...] = ()
    vouched: Digests | None = None

    def of(self, attack: Attack) -> int:
        """Return the index of the supplier whose attack it is, -1 for one that is nobody's.

        Raises
        ------
        ConfigError
            If the data has no such supplier.
        """
        check_supplier(attack, self.names)
        return self.names.index(attack.supplier) if attack.supplier else -1

    def reach(self, attack: Attack, rows: Rows) -> Rows:
        """Return those of int64[M] rows that an attack may replace: its supplier's, or all."""
        number = self.of(attack)
        if self.sources is None or number < 0:
            return rows
        return np.asarray(rows[self.sources[rows] == number])

    def after(self, truth: Truth, attacks: Sequence[Attack]) -> After:
        """Return who is said to have delivered each row of the poisoned set, and what they vouch for.

        A row that was replaced keeps who had delivered it, one that was added is its attack's supplier's and
        without one nobody's. A supplier who attacks vouches for the poison; for a row that somebody else has
        changed it vouches as it was before, and nobody does for one that somebody else has added.
        """
        if self.sources is None:
            return After()
        by = np.array([-1, *(self.of(attack) for attack in attacks)])[truth.attack_of]
        kept = truth.stands_for >= 0
        sources = by.copy()
        sources[kept] = self.sources[truth.stands_for[kept]]
        if self.vouched is None:
            return After(sources)
        vouched = np.zeros((len(by), self.vouched.shape[1]), np.uint8)
        vouched[kept] = self.vouched[truth.stands_for[kept]]
        return After(sources, _vouching(vouched, by >= 0))


def _vouching(vouched: Digests, own: Bools) -> Vouch:
    """Return what vouches for `own` rows as they are, and for the others as `vouched` says."""

    def vouch(x: Images, y: Labels) -> Digests:
        return np.where(own[:, None], row_digests(x, y), vouched)

    return vouch


def check_supplier(attack: Attack, names: Sequence[str]) -> None:
    """Refuse an attack of a supplier that the data does not have, as ConfigError."""
    if attack.supplier and attack.supplier not in names:
        what = f"attack '{attack.name or attack.kind}': supplier '{attack.supplier}'"
        if names:
            raise ConfigError(what, "the data has no such supplier", nearest(attack.supplier, names))
        raise ConfigError(what, "the data has no suppliers", "set data.suppliers, or leave the supplier out")
