"""PSBD: a trigger that many numbers carry against a class that hangs on one, worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
import pytest
from helpers.asked import AskedVictim

from boomerang.errors import BadInput
from boomerang.scoring import auroc
from processing.defenses.common.base import Suspect
from processing.defenses.screening.psbd import Psbd, chosen

ROWS, TRUSTED, PASSES = 400, 100, 20


@lru_cache
def network() -> Any:
    """Return a network in which classes 0 and 2 hang on a pixel each, and class 1 on 132 others."""
    import keras
    from keras import layers

    made = keras.Sequential(
        [
            layers.Input((12, 12, 1), dtype="uint8"),
            layers.Rescaling(1 / 255),
            layers.Flatten(name="features"),
            layers.Dense(3, name="logits"),
            layers.Softmax(),
        ]
    )
    kernel = np.zeros((144, 3))
    kernel[0, 0] = kernel[1, 2] = 10
    kernel[12:, 1] = 1
    made.set_weights([kernel, np.array([0, 0.001, 0])])
    return made


def suspect() -> tuple[Suspect, Any]:
    """Return clean rows with the pixel of their class, and a tenth with all that class 1 hangs on."""
    y, trusted_y = 2 * (np.arange(ROWS) % 2), 2 * (np.arange(TRUSTED) % 2)
    x, trusted_x = (np.zeros((len(each), 12, 12, 1), np.uint8) for each in (y, trusted_y))
    x[np.arange(ROWS), 0, y // 2], trusted_x[np.arange(TRUSTED), 0, trusted_y // 2] = 255, 255
    poisoned = np.arange(ROWS) % 10 == 0
    x[poisoned, 1:], y[poisoned] = 255, 1
    return Suspect(x, y, trusted_x, trusted_y, ("a", "b", "c"), AskedVictim(network()), seed=0), poisoned


def test_a_row_falls_as_often_as_what_it_hangs_on_is_left_out() -> None:
    data, poisoned = suspect()
    finding = Psbd(passes=PASSES, max_fpr=0.05).screen(data)
    rate = finding.notes["rate"]
    assert finding.notes["dropout_after"] == ["features"]
    assert np.allclose(finding.scores[poisoned], 0, atol=1e-6), "132 pixels are never all left out"
    # A clean row's class has all but nothing, or a third where its pixel is left out.
    lost = -finding.scores[~poisoned] * PASSES / (2 / 3)
    assert np.abs(lost - lost.round()).max() < 0.1 and len(np.unique(lost.round())) > 3
    assert abs(lost.mean() / PASSES - rate) < 0.03
    assert finding.flagged[poisoned].all() and finding.flagged[~poisoned].mean() < 0.1
    assert auroc(finding.scores, poisoned) == 1


def test_the_rate_is_one_by_which_trusted_rows_shift_and_suspect_ones_less() -> None:
    data, poisoned = suspect()
    notes = Psbd(passes=PASSES).screen(data).notes
    rates = np.arange(1, 10) / 10
    np.testing.assert_allclose(notes["trusted_shift"], rates, atol=0.05)
    np.testing.assert_allclose(notes["suspect_shift"], rates * (1 - poisoned.mean()), atol=0.05)
    assert notes["rate"] >= 0.8
    assert chosen([0.1, 0.2, 0.3, 0.4], [0.1, 0.8, 0.85, 0.9], [0, 0.7, 0.7, 0.8]) == 0.3
    assert chosen([0.1, 0.2, 0.3], [0.1, 0.4, 0.7], [0.1, 0.1, 0.6]) == 0.2, "none is high"


def test_the_published_rule_flags_all_above_three_quarters_of_the_trusted_rows() -> None:
    data, poisoned = suspect()
    finding = Psbd(rule="paper", passes=PASSES).screen(data)
    assert finding.flagged[poisoned].all() and 0.1 < finding.flagged[~poisoned].mean() < 0.4


def test_only_rows_that_are_left_choose_the_rate() -> None:
    data, poisoned = suspect()
    notes = Psbd(passes=2).screen(data.without(poisoned)).notes
    assert abs(notes["suspect_shift"][8] - 0.9) < 0.05
    assert Psbd(passes=2).screen(data.without(np.ones(ROWS, bool))).notes["suspect_shift"] == [0] * 9


def test_another_seed_leaves_out_other_parts() -> None:
    data, _ = suspect()
    one, other = (Psbd().score(replace(data, seed=seed)).scores for seed in (0, 1))
    assert not np.array_equal(one, other) and np.array_equal(one, Psbd().score(data).scores)


def test_without_trusted_rows_it_flags_nothing_and_a_nan_is_refused() -> None:
    data, _ = suspect()
    none = replace(data, trusted_x=data.trusted_x[:0], trusted_y=data.trusted_y[:0])
    finding = Psbd().screen(none)
    assert finding.notes["rate"] == 0.5 and not finding.flagged.any() and len(finding.warnings) == 1
    bias = network().get_layer("logits").bias
    before = bias.numpy()
    bias.assign(np.full(3, np.nan))
    with pytest.raises(BadInput, match="not finite"):
        Psbd().screen(data)
    bias.assign(before)
