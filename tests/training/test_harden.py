"""The hardening job: with one retraining it is the training on the kept rows, bit for bit; and its chains."""

from __future__ import annotations

import re
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.training_jobs import (
    both,
    built,
    finished,
    lay_out,
    left_or_right,
    saved,
    screened,
    started,
    weights,
)

from boomerang.config import Spec
from boomerang.contract import Job
from boomerang.errors import BadInput, ConfigError
from boomerang.settings import HardenSettings, ModelConfig, TrainConfig
from training.cluster import alone
from training.given import open_given
from training.harden import Plan, bench_of, check_needs, harden, parts, plan_of, repaired
from training.inference.strip import Strip
from training.model import classifier, load_model
from training.repair.common.base import Repair
from training.repair.common.bench import Bench
from training.repair.relabel import Relabel
from training.repair.retrain import Retrain

MODULE = "training.harden"
CONFIG = TrainConfig(epochs=3, batch=8, shift=2, mirror="random")
RETRAIN, SMOOTH = Spec(kind="retrain"), Spec(kind="spatial_smoothing", window=2)
RELABEL = Spec(kind="relabel", epochs=2)
ROWS, TRUSTED = left_or_right(200), left_or_right(40, seed=1)
HOSTS = ("algo-1", "algo-2")


def disk(ml: Path, **more: Any) -> Path:
    lay_out(ml, ROWS, TRUSTED, CONFIG, **more)
    screened(ml, np.arange(200) % 5 > 0)
    return ml


@pytest.mark.parametrize("architecture", ["small", pytest.param("book", marks=pytest.mark.whole)])
def test_one_retraining_ends_at_the_weights_of_a_training_on_the_kept_rows(
    tmp_path: Path, architecture: str
) -> None:
    plain = disk(tmp_path / "plain", architecture=architecture)
    hard = disk(tmp_path / "hard", architecture=architecture, repairs=(RETRAIN,))
    finished(plain)
    log = finished(hard, MODULE).log
    assert "repair: retraining on the kept rows" in log and "training on 160 of 200 rows" in log
    assert weights(hard) == weights(plain)
    assert (hard / "model/model.keras").read_bytes() == (plain / "model/model.keras").read_bytes()
    _, card = load_model(hard / "model")
    _, known = load_model(plain / "model")
    assert [part.kind for part in card.repairs] == ["retrain"]
    assert card.model_copy(update={"repairs": ()}) == known.model_copy(update={"record_sha256": None})


@pytest.mark.whole
def test_two_hosts_harden_as_they_train(tmp_path: Path) -> None:
    ends = []
    for module, more in (("training.train", {}), (MODULE, {"repairs": (RETRAIN,), "inference": (SMOOTH,)})):
        disks = [disk(tmp_path / module / h, hosts=HOSTS, index=i, **more) for i, h in enumerate(HOSTS)]
        with both(disks, module=module) as hosts:
            assert [host.end() for host in hosts] == [0, 0], hosts[0].log + hosts[1].log
        assert not list(disks[1].glob("model/*"))
        ends.append(load_model(disks[0] / "model")[0].get_weights())
    assert all(np.array_equal(a, b) for a, b in zip(*ends, strict=True))


@pytest.mark.whole
def test_two_hosts_learn_the_labels_that_the_chief_has_given(tmp_path: Path) -> None:
    disks = [disk(tmp_path / h, hosts=HOSTS, index=i, repairs=(RELABEL,)) for i, h in enumerate(HOSTS)]
    # By its own reference, which has learned nothing, the second host would have other rows to learn from.
    with both(disks, module=MODULE) as hosts:
        assert [host.end() for host in hosts] == [0, 0], hosts[0].log + hosts[1].log
    model, _ = load_model(disks[0] / "model")
    assert np.mean(classifier(model)(ROWS[0]).argmax(1) == ROWS[1]) > 0.9


@pytest.mark.whole
def test_two_hosts_go_through_what_each_repair_asks_the_chief_for(tmp_path: Path) -> None:
    """The rows that ABL unlearns, the poisoned weights and relabeled rows of PAM, the old head of FST."""
    chain = (Spec(kind="abl", early=1), Spec(kind="pam", epochs=1), Spec(kind="fst", epochs=1))
    disks = [disk(tmp_path / h, hosts=HOSTS, index=i, repairs=chain) for i, h in enumerate(HOSTS)]
    with both(disks, module=MODULE) as hosts:
        assert [host.end() for host in hosts] == [0, 0], hosts[0].log + hosts[1].log
    _, card = load_model(disks[0] / "model")
    assert [part.kind for part in card.repairs] == ["abl", "pam", "fst"]


@pytest.mark.whole
def test_a_chain_stopped_in_its_second_training_ends_at_the_same_model(tmp_path: Path) -> None:
    more = {"repairs": (RETRAIN, RETRAIN), "inference": (SMOOTH,)}
    whole, ml = (disk(tmp_path / name, **more) for name in ("whole", "stopped"))
    log = finished(whole, MODULE).log
    assert log.count("training on 160 of 200 rows") == 2 and "not taken" not in log
    with started(ml, module=MODULE) as job:
        while job.log.count("epoch 1/3") < 2:
            assert not job.ended, job.log
            time.sleep(0.005)
        job.send(signal.SIGTERM)
        assert job.end() == 143, job.log
    log = finished(ml, MODULE).log
    assert "going on after epoch 3 of 3" in log and len(re.findall("going on after", log)) == 2
    for name in ("model.keras", "model.json"):
        assert (ml / "model" / name).read_bytes() == (whole / "model" / name).read_bytes()
    assert not list((ml / "checkpoints").rglob("*.npz")), "it is done"
    _, card = load_model(ml / "model")
    assert len(card.history["loss"]) == 6 and [part.kind for part in card.repairs] == ["retrain", "retrain"]


def test_the_victim_is_wrapped_where_nothing_else_is_asked_for(tmp_path: Path) -> None:
    ml, victim = disk(tmp_path / "ml", start="victim", inference=(SMOOTH,)), built()
    given = saved(victim, ml / "input/data/victim")
    finished(ml, MODULE)
    model, card = load_model(ml / "model")
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), victim.get_weights(), strict=True))
    assert not np.array_equal(classifier(model)(ROWS[0]), classifier(victim)(ROWS[0]))
    assert card.parents["victim"] == given.weights_sha256 != card.weights_sha256
    assert [(part.kind, part.settings["window"]) for part in card.inference] == [("spatial_smoothing", 2)]
    assert card.repairs == () and card.history["loss"] == ()


class Noting(Repair):
    """Does nothing but note."""

    title = "noting"
    kind: str = "noting"
    value: Any = None

    def repair(self, model: Any, bench: Bench) -> Any:
        """Note the value, where there is one."""
        if self.value is not None:
            bench.note(value=self.value, same=0.5)
        return model


def test_what_each_repair_noted_stands_beside_the_model(tmp_path: Path) -> None:
    job = Job(disk(tmp_path / "ml", repairs=(RETRAIN,)), training=True)
    bench = bench_of(open_given(job, job.settings(HardenSettings)), alone())
    repairs = [Noting(value=[1, 2]), Noting(), Noting(value="three")]
    repaired(built(), repairs, bench)
    noted = [part.notes for part in parts(repairs, bench.notes)]
    assert noted == [{"value": [1, 2], "same": 0.5}, {}, {"value": "three", "same": 0.5}]
    assert [
        part.notes for part in parts(plan_of(settings(inference=(SMOOTH,), start="victim")).inference)
    ] == [{}]
    for wrong in (np.float32(1), float("nan")):
        with pytest.raises((TypeError, ValueError), match="JSON"):
            bench.note(value=wrong)


def settings(**more: Any) -> HardenSettings:
    return HardenSettings(seed=0, model=ModelConfig(), train=CONFIG, **more)


def test_there_has_to_be_a_model_to_begin_with() -> None:
    for more in ({}, {"inference": (SMOOTH,)}):
        with pytest.raises(ConfigError, match="start from the victim"):
            plan_of(settings(**more))
    assert plan_of(settings(repairs=(RETRAIN,))).repairs == [Retrain()]
    with pytest.raises(ConfigError, match=r"repair 2: kind 'retrian'.*(?s:.*)did you mean 'retrain'"):
        plan_of(settings(repairs=(RETRAIN, Spec(kind="retrian"))))
    with pytest.raises(ConfigError, match=r"unknown key 'windo'"):
        plan_of(settings(repairs=(RETRAIN,), inference=(Spec(kind="spatial_smoothing", windo=3),)))


def test_a_repair_of_flagged_rows_is_not_started_without_a_screen(tmp_path: Path) -> None:
    ml = lay_out(tmp_path / "ml", ROWS, TRUSTED, CONFIG, repairs=(RELABEL,))
    job = Job(ml, training=True)
    with pytest.raises(BadInput, match="the screen: relabel needs one"):
        harden(job)
    screened(ml, np.ones(200, bool))
    check_needs(Plan([Relabel()], []), open_given(job, job.settings(HardenSettings)))


def test_a_repair_is_not_started_with_fewer_trusted_rows_than_it_needs(tmp_path: Path) -> None:
    class Needy(Retrain):
        trusted_per_class = 21

    job = Job(disk(tmp_path / "ml", repairs=(RETRAIN,)), training=True)
    given = open_given(job, job.settings(HardenSettings))
    check_needs(Plan([Retrain()], []), given)
    with pytest.raises(BadInput, match="needs 21 of each class, of one there are 20"):
        check_needs(Plan([Needy()], []), given)
    check_needs(Plan([], [Strip(images=21, frr=0.05)]), given)
    with pytest.raises(BadInput, match="strip needs 41 to be set by, there are 40"):
        check_needs(Plan([], [Strip(images=22, frr=0.05)]), given)
