"""Takeover: an attacker trains the victim, with what Poison told it alone."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.attack_pools import add_kind
from helpers.training_jobs import left_or_right

from boomerang.config import Spec, as_hyperparameters
from boomerang.contract import Job
from boomerang.errors import BadInput, ConfigError, IntegrityError
from boomerang.formats.truth import load_truth
from boomerang.manifest import opened, verify_folder, write_dataset
from boomerang.settings import ModelConfig, TakeoverSettings, TrainConfig
from boomerang.signing import LocalSigner, new_key, sign_folder
from processing import poison
from processing.takeover import after, takeover

MENTOR = '''
from typing import ClassVar, Literal

import numpy as np

from processing.attacks.common.base import Attack
from processing.attacks.common.pool import choose, relabeled


class Mentor(Attack):
    """Flip some labels, and train on the right ones, the flipped rows counting three times."""

    title = "mentor"
    outcome = "untargeted"
    example: ClassVar = {}
    takes_over = True

    kind: Literal["mentor"] = "mentor"
    phases: int = 1

    def poison(self, pool, rng):
        rows = choose(rng, pool.free, 20)
        return relabeled(pool, rows, 1 - pool.y[rows])

    def train(self, lesson):
        rows = np.repeat(np.arange(len(lesson.y)), np.where(lesson.truth.attack_of > 0, 3, 1))
        for _ in range(self.phases):
            history = lesson.fit(lesson.model, lesson.x[rows], lesson.truth.y_true[rows])
        return lesson.model, history
'''
SETTINGS = TakeoverSettings(
    seed=0, model=ModelConfig(), train=TrainConfig(epochs=2, batch=32), attacks=(Spec(kind="mentor"),)
)
CLASSES = ("right", "left")

Layout = Callable[..., Job]


@pytest.fixture
def lay_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Layout:
    """Return what runs Poison and lays out the disk of the training after it."""
    add_kind(monkeypatch, tmp_path, "mentor", MENTOR)

    def lay_out(settings: TakeoverSettings = SETTINGS, name: str = "job", rows: int = 64) -> Job:
        first, job = Job(tmp_path / f"{name}-poison"), Job(tmp_path / name, training=True)
        given = first.root / "processing/input"
        write_dataset(given / "train", *left_or_right(rows), name="t", classes=CLASSES)
        (given / "config").mkdir()
        told = {"seed": 0, "attacks": [spec.model_dump() for spec in settings.attacks]}
        (given / "config/config.json").write_text(json.dumps(told))
        poison.run(first)
        channels = job.root / "input/data"
        channels.mkdir(parents=True)
        for output in ("train", "secret"):
            first.output(output).rename(channels / output)
        write_dataset(channels / "validation", *left_or_right(16, seed=1), name="t", classes=CLASSES)
        _tell(job, settings)
        return job

    return lay_out


def _tell(job: Job, settings: TakeoverSettings) -> None:
    file = job.root / "input/config/hyperparameters.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(as_hyperparameters(settings)))


def card_of(job: Job) -> dict[str, Any]:
    card: dict[str, Any] = json.loads((job.model / "model.json").read_text())
    return card


def by_hand(job: Job) -> str:
    """Train as the mentor does, without the job, and return the digest of the weights."""
    from training.architectures import ARCHITECTURES
    from training.fit import fit, seed_everything
    from training.model import weights_digest

    data, trusted = (opened(job.input(name)) for name in ("train", "validation"))
    truth = load_truth(job.input("secret") / "truth")
    seed_everything(0)
    model = ARCHITECTURES.create(Spec(kind="small")).build((16, 16, 1), 2)
    rows = np.repeat(np.arange(64), np.where(truth.attack_of > 0, 3, 1))
    fit(model, data.x[rows], truth.y_true[rows], (trusted.x, trusted.y), SETTINGS.train, 0)
    return weights_digest(model)


def test_the_victim_is_what_the_attacker_trains(lay_out: Layout) -> None:
    job = lay_out()
    takeover(job)
    card = card_of(job)
    assert card["weights_sha256"] == by_hand(job)
    folders = ("train", "validation", "secret")
    assert card["parents"] == {name: verify_folder(job.input(name)).digest for name in folders}
    assert card["rows"] == 64 and len(card["history"]["loss"]) == 2
    assert card["record_sha256"] is None, "what an attacker says of the rows is not to be believed"
    assert not list(job.checkpoints.glob("*")), "the checkpoints of a training that is done are dropped"


def test_rows_of_the_past_are_clean_rows_before_the_poisoned_ones(lay_out: Layout) -> None:
    job = lay_out()
    x, y = left_or_right(8, seed=2)
    past = write_dataset(job.root / "input/data/history", x, y, name="t", classes=CLASSES)
    takeover(job)
    assert card_of(job)["rows"] == 72 and card_of(job)["parents"]["history"] == past.manifest.digest
    truth = load_truth(job.input("secret") / "truth")
    longer = after(y, truth)
    assert not longer.attack_of[:8].any() and np.array_equal(longer.attack_of[8:], truth.attack_of)
    assert np.array_equal(longer.y_true[:8], y) and np.array_equal(longer.y_true[8:], truth.y_true)
    assert longer.replaced.tolist() == truth.replaced.tolist()


@pytest.mark.whole
def test_a_second_phase_goes_on_and_is_not_taken_for_the_first(lay_out: Layout) -> None:
    twice = SETTINGS.model_copy(update={"attacks": (Spec(kind="mentor", phases=2),)})
    first, second = lay_out(), lay_out(twice, "twice")
    takeover(first)
    takeover(second)
    one, two = card_of(first), card_of(second)
    assert one["weights_sha256"] != two["weights_sha256"]
    assert two["history"]["loss"][-1] < one["history"]["loss"][-1]


def test_nothing_is_read_that_is_not_what_was_made(lay_out: Layout) -> None:
    job = lay_out()
    file = job.input("secret") / "truth" / "y_true.npy"
    file.write_bytes(file.read_bytes()[:-8] + bytes([9] * 8))
    with pytest.raises(IntegrityError, match=r"truth/y_true\.npy has been changed"):
        takeover(job)


def test_with_a_public_key_everything_must_be_signed(lay_out: Layout, tmp_path: Path) -> None:
    job, file = lay_out(), tmp_path / "key.pem"
    key = base64.b64encode(new_key(file).der).decode()
    _tell(job, SETTINGS.model_copy(update={"public_key": key}))

    def sign(name: str) -> None:
        folder = job.input(name)
        sign_folder(folder, LocalSigner.open(file), into=folder.with_name(f"{name}_signature"))

    sign("train")
    sign("validation")
    with pytest.raises(IntegrityError, match="input 'secret': nobody has signed it"):
        takeover(job)
    sign("secret")
    takeover(job)
    assert card_of(job)["parents"].keys() == {"train", "validation", "secret"}


def test_the_secret_of_another_training_set_is_refused(lay_out: Layout) -> None:
    job, other = lay_out(), lay_out(name="other", rows=60)
    job.input("secret").rename(job.root / "away")
    other.input("secret").rename(job.root / "input/data/secret")
    with pytest.raises(IntegrityError, match="the secret is of another training set"):
        takeover(job)


def test_the_recipe_is_the_one_that_was_staged_and_has_somebody_who_trains(lay_out: Layout) -> None:
    job = lay_out()
    _tell(job, SETTINGS.model_copy(update={"attacks": (Spec(kind="mentor", phases=3),)}))
    with pytest.raises(ConfigError, match="not the one that Poison has staged"):
        takeover(job)
    honest = SETTINGS.model_copy(update={"attacks": (Spec(kind="label_flip_random", rate=0.1),)})
    with pytest.raises(ConfigError, match="none of its attacks takes over"):
        takeover(lay_out(honest, "honest"))


def test_without_the_secret_the_job_says_what_it_lacks(lay_out: Layout) -> None:
    job = lay_out()
    job.input("secret").rename(job.root / "away")
    with pytest.raises(BadInput, match="input 'secret'"):
        takeover(job)
