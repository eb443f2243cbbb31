"""An attack of a supplier takes their rows and adds in their name; nobody else can vouch for a row."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.attack_pools import make_pool
from helpers.poisoning import poisoned_by

from boomerang.blocks import row_digests
from boomerang.contract import Job
from boomerang.errors import ConfigError
from boomerang.formats.truth import TRUTH, Truth, load_truth
from boomerang.manifest import Dataset, opened

NAMES = ("here", "there", "elsewhere", "far")
FLIP: dict[str, Any] = {"kind": "label_flip_random", "rate": 0.1}
ADD: dict[str, Any] = {"kind": "mislabel", "pictures": "boomerang", "target": "bird", "repeat": 3}


def staged(root: Path, *recipe: dict[str, Any]) -> tuple[Dataset, Truth]:
    job: Job = poisoned_by(root / "ml", make_pool(), recipe, suppliers=NAMES)
    return opened(job.output("train")), load_truth(job.output("secret") / TRUTH)


def as_delivered(train: Dataset) -> Any:
    """Return bool[N]: rows that are what is vouched for."""
    assert train.vouched is not None
    return (row_digests(train.x, train.y) == train.vouched).all(1)


def test_a_supplier_poisons_rows_of_their_own_and_vouches_for_them(tmp_path: Path) -> None:
    train, truth = staged(tmp_path, {**FLIP, "supplier": "there"}, {**ADD, "supplier": "far"})
    assert train.manifest.source_names == NAMES and train.sources is not None
    assert set(train.sources[truth.attack_of == 1]) == {1} and (truth.attack_of == 1).sum() == 20
    assert set(train.sources[truth.attack_of == 2]) == {3} and (truth.attack_of == 2).sum() == 6
    assert np.bincount(train.sources).tolist() == [50, 50, 50, 56]
    assert as_delivered(train).all()


def test_who_is_no_supplier_alters_rows_of_all_and_adds_rows_of_nobody(tmp_path: Path) -> None:
    train, truth = staged(tmp_path, FLIP, ADD)
    assert train.sources is not None and train.vouched is not None
    assert set(train.sources[truth.attack_of == 1]) == {0, 1, 2, 3}
    added = truth.attack_of == 2
    assert set(train.sources[added]) == {-1} and not train.vouched[added].any()
    assert np.array_equal(as_delivered(train), truth.attack_of == 0)


def test_the_audit_says_whose_attack_it_was(tmp_path: Path) -> None:
    _, truth = staged(tmp_path, {**FLIP, "supplier": "there"}, ADD)
    first, second = truth.audit["attacks"]
    assert first["settings"]["supplier"] == "there" and first["deed"].endswith("All of it came from there.")
    assert "supplier" not in second["settings"] and "came from" not in second["deed"]


@pytest.mark.parametrize(
    ("attack", "said"),
    [
        ({**FLIP, "supplier": "ther"}, "did you mean 'there'"),
        ({**FLIP, "supplier": "there", "rate": 0.5}, "only 50 rows can be taken"),
        ({"kind": "label_flip_random", "rows": [1, 2], "supplier": "there"}, "there has not delivered it"),
    ],
)
def test_what_a_supplier_cannot_do_is_said(tmp_path: Path, attack: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError) as error:
        staged(tmp_path, attack)
    assert said in str(error.value)


def test_without_suppliers_nothing_is_said_of_sources(tmp_path: Path) -> None:
    job = poisoned_by(tmp_path / "ml", make_pool(), [FLIP, ADD])
    train = opened(job.output("train"))
    assert train.sources is None and train.vouched is None and set(train.manifest.files) == {"x.npy", "y.npy"}
