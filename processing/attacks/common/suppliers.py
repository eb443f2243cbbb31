"""Who delivered the rows of a training set, before it is poisoned and after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from boomerang.errors import ConfigError, nearest
from boomerang.formats.truth import Truth
from boomerang.manifest import Rows
from processing.attacks.common.base import Attack


@dataclass(frozen=True)
class Suppliers:
    """Who delivered the rows of the clean training set.

    Attributes
    ----------
    sources : int64[N] or None
        An index into `names`, -1 for nobody; None where no source is known.
    names : tuple of str
    """

    sources: Rows | None = None
    names: tuple[str, ...] = ()

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

    def after(self, truth: Truth, attacks: Sequence[Attack]) -> Rows | None:
        """Return int64[N], who delivered each row of the poisoned set; None where no source is known.

        A row that was replaced keeps who had delivered it. One that was added is its attack's supplier's,
        without one nobody's.
        """
        if self.sources is None:
            return None
        known = np.array([-1, *(self.of(attack) for attack in attacks)])[truth.attack_of]
        kept = truth.stands_for >= 0
        known[kept] = self.sources[truth.stands_for[kept]]
        return known


def check_supplier(attack: Attack, names: Sequence[str]) -> None:
    """Refuse an attack of a supplier that the data does not have, as ConfigError."""
    if attack.supplier and attack.supplier not in names:
        what = f"attack '{attack.name or attack.kind}': supplier '{attack.supplier}'"
        if names:
            raise ConfigError(what, "the data has no such supplier", nearest(attack.supplier, names))
        raise ConfigError(what, "the data has no suppliers", "set data.suppliers, or leave the supplier out")
