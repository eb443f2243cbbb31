"""IBD-PSC: which norms are amplified, what a row scores, and a backdoor that was learned."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from helpers.asked import AskedVictim, backdoored
from helpers.suspects import make_suspect
from helpers.training_jobs import built

from boomerang.config import Spec
from boomerang.errors import BadInput, ConfigError
from boomerang.scoring import auroc
from processing.defenses.screening.ibd_psc import WITH_NORMS, IbdPsc
from training.architectures import ARCHITECTURES


def scaled(network: Any, count: int, factor: float) -> Any:
    """Return a copy of a network whose last norms have their scale and shift multiplied."""
    import keras

    copy = keras.models.clone_model(network)
    copy.set_weights(network.get_weights())
    norms = [layer for layer in copy.layers if isinstance(layer, keras.layers.BatchNormalization)]
    for norm in norms[len(norms) - count :]:
        norm.gamma.assign(norm.gamma * factor)
        norm.beta.assign(norm.beta * factor)
    return copy


def test_the_score_is_the_mean_probability_of_the_label_over_copies_with_scaled_norms() -> None:
    data, _ = backdoored()
    network, rows = data.victim.network, slice(0, 50)
    few = replace(data, x=data.x[rows], y=data.y[rows])
    wrong = [
        (
            scaled(network, count, 1.5)(data.trusted_x, training=False).numpy().argmax(1) != data.trusted_y
        ).mean()
        for count in (1, 2, 3)
    ]
    assert wrong[0] < wrong[1]
    detector = IbdPsc(error=float(np.mean(wrong[:2])), models=2, max_fpr=0.02)
    finding = detector.screen(few)
    assert finding.notes["amplified"] == [2, 3] and finding.warnings == ()
    answers = [scaled(network, count, 1.5)(few.x, training=False).numpy() for count in (2, 3)]
    expected = np.mean([each[np.arange(50), few.y] for each in answers], axis=0)
    np.testing.assert_allclose(finding.scores, expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(finding.notes["trusted_errors"], wrong[:2], atol=5e-5)


def test_a_backdoor_that_was_learned_stands_above_clean_rows() -> None:
    data, poisoned = backdoored()
    finding = IbdPsc(max_fpr=0.02).screen(data)
    worth = auroc(finding.scores, poisoned)
    assert worth is not None and worth > 0.8
    assert finding.flagged[~poisoned].mean() < 0.04
    assert finding.scores.min() >= 0 and finding.scores.max() <= 1
    paper = IbdPsc(rule="paper").screen(data)
    assert paper.threshold == 0.9 and paper.flagged[poisoned].mean() > 0.9


def test_where_no_number_of_norms_is_enough_all_are_taken_and_it_is_said() -> None:
    data, _ = backdoored()
    finding = IbdPsc(error=0.99, max_fpr=0.02).screen(data)
    assert finding.notes["amplified"] == [1, 2, 3]
    assert "do not lift the victim's error on trusted rows above 0.99" in finding.warnings[0]
    assert finding.threshold is not None


def test_a_network_without_norms_is_refused_and_told_which_have_some() -> None:
    data, _ = make_suspect(rows=40, poison=4)
    bare = AskedVictim(built("lenet", (8, 8, 3), 4, batch_norm=False))
    with pytest.raises(ConfigError, match="no norms that could be amplified") as error:
        IbdPsc().screen(replace(data, victim=bare))
    assert all(kind in str(error.value) for kind in WITH_NORMS)
    fields = {kind: ARCHITECTURES[kind].model_fields for kind in ARCHITECTURES}
    for kind in WITH_NORMS:
        assert "batch_norm" not in fields[kind] or ARCHITECTURES.create(Spec(kind=kind)).batch_norm  # type: ignore[attr-defined]


def test_an_answer_that_is_no_number_is_refused() -> None:
    data, _ = make_suspect(rows=40, poison=4)
    network = scaled(data.victim.network, 0, 1)
    network.get_layer("logits").bias.assign(np.full(4, np.nan))
    with pytest.raises(BadInput, match="not finite"):
        IbdPsc().screen(replace(data, victim=AskedVictim(network)))


def test_a_class_without_trusted_rows_and_rows_of_one_class_are_scored() -> None:
    data, _ = backdoored()
    rows = data.trusted_y != 2
    some = replace(data, trusted_x=data.trusted_x[rows], trusted_y=data.trusted_y[rows])
    assert np.isfinite(IbdPsc().screen(some).scores).all()
    one = replace(data, x=data.x[:40], y=np.zeros(40, np.int64))
    assert np.isfinite(IbdPsc().screen(one).scores).all()
