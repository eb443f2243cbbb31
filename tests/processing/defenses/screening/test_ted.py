"""TED++: ranks of a toy whose layers are given, and a backdoor that was learned."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from helpers.asked import Given, backdoored
from helpers.suspects import noise_images

from boomerang.errors import BadInput
from boomerang.scoring import auroc
from processing.defenses.common.base import Suspect
from processing.defenses.screening.ted import Ted

LAYERS = ("first", "second", "third")
TED = Ted(layers=LAYERS, max_fpr=0.05)


def toy(trusted: int = 120, **changes: Any) -> tuple[Suspect, Any]:
    """Return rows of three classes, apart in three layers; poison is another class in the first two."""
    rng = np.random.default_rng(0)
    y, trusted_y = np.arange(300) % 3, np.arange(trusted) % 3
    poisoned = (y == 1) & (np.arange(300) < 30)
    seen = np.where(poisoned, 0, y)

    def layer(labels: Any) -> Any:
        return (rng.standard_normal((len(labels), 4)) + 3.5 * np.eye(4)[labels]).astype(np.float32)

    given = {"first": layer(seen), "second": layer(seen), "third": layer(y)} | changes
    trusted_given = {name: layer(trusted_y) for name in LAYERS}
    x, trusted_x = noise_images(rng, 300), noise_images(rng, trusted)
    victim: Any = Given(None, lambda images: given if images is x else trusted_given)
    return Suspect(x, y, trusted_x, trusted_y, ("a", "b", "c"), victim, seed=0), poisoned


def test_poison_that_joins_its_class_late_is_found() -> None:
    data, poisoned = toy()
    finding = TED.screen(data)
    assert finding.flagged[poisoned].mean() > 0.9 and finding.flagged[~poisoned].mean() < 0.1
    assert auroc(finding.scores, poisoned) == pytest.approx(1, abs=0.02)
    assert finding.notes["layers"] == list(LAYERS) and finding.warnings == ()
    paper = Ted(layers=LAYERS, rule="paper").screen(data)
    assert paper.flagged[poisoned].all() and paper.threshold is not None
    assert finding.threshold is not None and paper.threshold <= finding.threshold


def test_a_class_with_two_trusted_rows_is_not_judged_and_it_is_said() -> None:
    data, _ = toy()
    rows = np.flatnonzero((data.trusted_y != 2) | (np.arange(120) < 6))
    # The trusted rows are looked up by the images themselves.
    known: Any = data.victim
    given = known.look_up(data.trusted_x)
    few_x, few = data.trusted_x[rows], {name: each[rows] for name, each in given.items()}
    victim: Any = Given(None, lambda images: few if images is few_x else known.look_up(images))
    finding = TED.screen(replace(data, trusted_x=few_x, trusted_y=data.trusted_y[rows], victim=victim))
    assert (finding.scores[data.y == 2] == 0).all() and not finding.flagged[data.y == 2].any()
    assert finding.warnings == ("c: less than 3 trusted rows of the class, so it flags nothing of it",)
    assert finding.flagged.any()


def test_layers_that_never_vary_flag_nothing_and_one_that_is_no_number_is_refused() -> None:
    data, _ = toy()
    still: Any = Given(None, lambda x: dict.fromkeys(LAYERS, np.full((len(x), 3), 0.1, np.float32)))
    finding = TED.screen(replace(data, victim=still))
    assert not finding.scores.any() and not finding.flagged.any()
    broken, _ = toy(second=np.full((300, 4), np.nan, np.float32))
    with pytest.raises(BadInput, match="layer 'second'"):
        TED.screen(broken)


def test_a_backdoor_that_was_learned_is_found() -> None:
    data, poisoned = backdoored()
    finding = Ted(max_fpr=0.02).screen(data)
    worth = auroc(finding.scores, poisoned)
    assert worth is not None and worth > 0.8
    assert finding.flagged[poisoned].mean() > 0.4 and finding.flagged[~poisoned].mean() < 0.04


def test_it_is_said_before_the_run_that_two_trusted_rows_of_a_class_rank_nothing() -> None:
    assert "every class: less than 3 trusted rows" in Ted(max_fpr=0.1).needs(20, 10)[0]
    assert not Ted(max_fpr=0.1).needs(30, 10) and not Ted(max_fpr=0.1).needs(20, None)
