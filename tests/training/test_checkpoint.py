"""A training that is stopped or killed goes on from its checkpoint and ends where it would have."""

from __future__ import annotations

import re
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from helpers.training_jobs import finished, lay_out, left_or_right, started, weights

from boomerang.safeio import load_npz
from boomerang.settings import TrainConfig
from training.checkpoint import Checkpoints, State

OWN, OTHER = "a" * 64, "b" * 64


def state(step: int) -> State:
    values = [np.full((2, 3), step, np.float32), np.array([7, step], np.uint32)]
    return State(1, step, values, np.array([[0.5, 1.0, 0.25, np.nan]]))


def same(one: State | None, other: State) -> bool:
    return one is not None and (one.epoch, one.step) == (other.epoch, other.step) and one.fits(other.values)


def test_a_checkpoint_comes_back_as_it_was_and_two_are_kept(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path / "there/not/yet", OWN)
    assert checkpoints.latest(state(0).values) is None
    for step in (1, 2, 3):
        checkpoints.save(state(step), step)
    found = checkpoints.latest(state(0).values)
    assert same(found, state(3)) and found is not None
    for back, value in zip(found.values, state(3).values, strict=True):
        assert back.dtype == value.dtype and np.array_equal(back, value)
    assert np.array_equal(found.history, state(3).history, equal_nan=True)
    assert len(list(checkpoints.folder.iterdir())) == 2
    checkpoints.clear()
    assert not list(checkpoints.folder.iterdir())


def test_a_training_of_many_variables_comes_back_in_their_order(tmp_path: Path) -> None:
    values = [np.array([number], np.float32) for number in range(300)]
    Checkpoints(tmp_path, OWN).save(State(0, 1, values, np.zeros((0, 4))), 1)
    found = Checkpoints(tmp_path, OWN).latest(values)
    assert found is not None and [int(value[0]) for value in found.values] == list(range(300))


@pytest.mark.parametrize("damage", ["cut", "changed", "empty"])
def test_a_damaged_checkpoint_is_passed_over_for_the_one_before(
    tmp_path: Path, damage: str, capsys: pytest.CaptureFixture[str]
) -> None:
    checkpoints = Checkpoints(tmp_path, OWN)
    checkpoints.save(state(1), 1)
    checkpoints.save(state(2), 2)
    newest = max(tmp_path.iterdir())
    data = bytearray(newest.read_bytes())
    data[len(data) // 2] ^= 1
    newest.write_bytes({"cut": data[:-9], "changed": data, "empty": b""}[damage])
    assert same(checkpoints.latest(state(0).values), state(1))
    assert capsys.readouterr().out == f"checkpoint {newest.name} is damaged: not taken\n"


def test_a_checkpoint_of_another_training_is_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Checkpoints(tmp_path, OTHER).save(state(9), 9)
    own = Checkpoints(tmp_path, OWN)
    assert own.latest(state(0).values) is None
    assert "of another training: not taken" in capsys.readouterr().out
    own.save(state(1), 1)
    assert same(own.latest(state(0).values), state(1))
    own.clear()
    assert same(Checkpoints(tmp_path, OTHER).latest(state(0).values), state(9))


def test_a_checkpoint_of_other_variables_is_not_taken(tmp_path: Path) -> None:
    Checkpoints(tmp_path, OWN).save(state(1), 1)
    wider = [np.zeros((2, 4), np.float32), np.zeros(2, np.uint32)]
    assert Checkpoints(tmp_path, OWN).latest(wider) is None


def test_a_checkpoint_holds_plain_arrays(tmp_path: Path) -> None:
    Checkpoints(tmp_path, OWN).save(state(1), 1)
    (file,) = tmp_path.iterdir()
    assert set(load_npz(file)) == {"position", "history", "000000", "000001"}


CONFIG = TrainConfig(epochs=6, batch=8, shift=2, mirror="random")


@pytest.mark.timeout(300)
@pytest.mark.parametrize("architecture", ["small", pytest.param("book", marks=pytest.mark.whole)])
def test_stopped_and_killed_and_started_again_it_ends_at_the_same_weights(
    tmp_path: Path, architecture: str
) -> None:
    """SIGTERM in mid-epoch, SIGKILL later on, against a run that nobody disturbed."""
    train, validation = left_or_right(300), left_or_right(40, seed=1)
    whole, ml = (
        lay_out(tmp_path / name, train, validation, CONFIG, architecture=architecture)
        for name in ("whole", "stopped")
    )
    undisturbed = finished(whole).log.splitlines()
    with started(ml) as training:
        training.wait_for("epoch 2/6")
        time.sleep(0.05)  # the next epoch has begun
        training.send(signal.SIGTERM)
        assert training.end() == 143, training.log
    place = re.search(r"it got SIGTERM after (step \d+ of 38 in epoch [34] of 6)", training.reason)
    assert place and "left a checkpoint there" in training.reason
    with started(ml) as training:
        training.wait_for("epoch 4/6")
        training.send(signal.SIGKILL)
        assert training.end() == -signal.SIGKILL
    assert f"going on after {place[1]}" in training.log and "epoch 2/6" not in training.log
    last = finished(ml).log
    assert re.search(r"going on after epoch [45] of 6", last) and "epoch 4/6" not in last
    assert weights(ml) == weights(whole)
    assert last.splitlines()[-2:] == undisturbed[-2:], "the last epoch and the weights"
    for name in ("model.keras", "model.json", "record.npz"):
        assert (ml / "model" / name).read_bytes() == (whole / "model" / name).read_bytes()
    assert not list((ml / "checkpoints").iterdir()), "it is done"


def test_a_finished_job_started_again_goes_on_from_its_last_checkpoint_or_from_nothing(
    tmp_path: Path,
) -> None:
    """On SageMaker the job's checkpoints are still in the bucket when it is done."""
    config = TrainConfig(epochs=2, batch=64)
    ml = lay_out(tmp_path / "ml", left_or_right(200), left_or_right(40, seed=1), config)
    with started(ml) as training:
        training.wait_for("epoch 2/2")
        kept = {path.name: path.read_bytes() for path in (ml / "checkpoints").iterdir()}
        assert training.end() == 0
    done = weights(ml)
    finished(ml)
    assert weights(ml) == done
    for name, data in kept.items():
        (ml / "checkpoints" / name).write_bytes(data)
    assert "going on after epoch" in finished(ml).log and weights(ml) == done


def test_other_settings_do_not_go_on_from_there(tmp_path: Path) -> None:
    train, validation = left_or_right(200), left_or_right(40, seed=1)
    ml = lay_out(tmp_path / "ml", train, validation, TrainConfig(epochs=100, batch=8))
    with started(ml) as training:
        training.wait_for("epoch 1/100")
        training.send(signal.SIGTERM)
        assert training.end() == 143
    other = lay_out(tmp_path / "other", train, validation, TrainConfig(epochs=1, batch=8))
    (ml / "checkpoints").rename(other / "checkpoints")
    log = finished(other).log
    assert "of another training: not taken" in log and "going on" not in log
