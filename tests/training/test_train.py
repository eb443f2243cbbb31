"""The training job, whole: it trains on what it is given, and its card says on what."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
from helpers.ranges import ROOT
from helpers.training_jobs import built, finished, lay_out, left_or_right, saved, screened, weights

from boomerang.formats.model import open_record
from boomerang.settings import TrainConfig
from training.model import embedder, load_model

CONFIG = TrainConfig(epochs=6, batch=16)


def test_it_learns_from_the_kept_rows_alone(tmp_path: Path) -> None:
    """Half of the labels are wrong, and the screen kept the others."""
    x, y = left_or_right(400)
    wrong = np.arange(400) % 4 < 2
    ml = lay_out(tmp_path / "ml", (x, np.where(wrong, 1 - y, y)), left_or_right(40, seed=1), CONFIG)
    screened(ml, ~wrong)
    log = finished(ml).log
    assert "training on 200 of 400 rows of test" in log and f"weights {weights(ml)}" in log
    _, card = load_model(ml / "model")
    assert card.history["val_accuracy"][-1] > 0.95 and card.rows == 200
    assert card.parents.keys() == {"train", "validation", "screen"}
    assert card.repairs == card.inference == ()
    record = open_record(ml / "model")
    assert record is not None and record.learned == 200
    assert np.array_equal(record.y, np.concatenate([y[~wrong], left_or_right(40, seed=1)[1]]))
    assert record.margin[:200].mean() > 0


def test_it_goes_on_from_a_given_model(tmp_path: Path) -> None:
    rows = left_or_right(40)
    ml = lay_out(
        tmp_path / "ml", rows, rows, CONFIG.model_copy(update={"learning_rate": 1e-9}), start="victim"
    )
    model = built()
    given = saved(model, ml / "input/data/victim")
    finished(ml)
    trained, card = load_model(ml / "model")
    for before, after in zip(model.trainable_variables, trained.trainable_variables, strict=True):
        np.testing.assert_allclose(np.array(before), np.array(after), atol=1e-6)
    assert card.parents["victim"] == given.weights_sha256 != card.weights_sha256
    assert json.loads((ml / "model/model.json").read_text())["inference"] == []


def test_a_transfer_learns_a_new_head_on_the_features_of_the_given_model(tmp_path: Path) -> None:
    rows = left_or_right(200)
    config = CONFIG.model_copy(update={"learning_rate": 0.1, "epochs": 10})
    ml = lay_out(tmp_path / "ml", rows, rows, config, start="baseline", new_head=True)
    given = built()
    saved(given, ml / "input/data/baseline")
    finished(ml)
    trained, card = load_model(ml / "model")
    assert np.array_equal(embedder(given)(rows[0]), embedder(trained)(rows[0]))
    assert card.history["val_accuracy"][-1] > 0.9


def test_a_step_computes_with_onednn_where_tensorflow_alone_would_not() -> None:
    """Whoever asks for another thing by the environment has it."""
    told = "from tensorflow.python.util import _pywrap_util_port as port; print(port.IsMklEnabled())"
    name = "TF_ENABLE_ONEDNN_OPTS"
    for program, more, said in (
        (f"import training; {told}", {}, "True"),
        (f"import training, os; print(os.environ['{name}'])", {name: "0"}, "0"),
    ):
        environment = {key: value for key, value in os.environ.items() if key != name} | more
        command = [sys.executable, "-c", program]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, cwd=ROOT)
        assert done.stdout.strip() == said
