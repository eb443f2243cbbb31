"""GoodNet: refused where the repair `pruning` would change the class, and else answered as before."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from helpers.backdoored import TRUSTED, bench_in, victim, with_square
from helpers.training_jobs import left_or_right

from training.inference.common.base import wrapped
from training.inference.goodnet import Goodnet
from training.labeled import Labeled
from training.model import classifier
from training.repair.pruning import Pruning


def test_what_the_pruned_model_calls_otherwise_is_refused(tmp_path: Path) -> None:
    clean, _ = left_or_right(200, seed=2)
    x = np.concatenate([clean, with_square(clean)])
    model = victim()
    plain = classifier(model)(x)
    whole = classifier(wrapped(model, [Goodnet(drop=0.1)], Labeled(*TRUSTED)))(x)
    pruned = classifier(Pruning(drop=0.1).repair(victim(), bench_in(tmp_path)))(x)
    apart = plain.argmax(1) != pruned.argmax(1)
    assert 0 < apart.sum() < 400
    assert np.isnan(whole[apart]).all() and np.array_equal(whole[~apart], plain[~apart])
