"""What a training job is given: not to the byte what was made, it is refused before TensorFlow is there."""

from __future__ import annotations

import base64
import json
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.records import drawn_record
from helpers.signing_cases import Key, fresh_key
from helpers.training_jobs import built, lay_out, left_or_right, saved, screened, started

from boomerang.config import Spec
from boomerang.contract import ROOT_ENV, Job, run_step
from boomerang.errors import BadInput, ConfigError
from boomerang.manifest import read_manifest, write_dataset
from boomerang.settings import HardenSettings, ModelConfig, TrainConfig, TrainSettings
from boomerang.signing import sign_folder
from pipelines.runs.storage import pack
from training.cluster import Cluster, alone
from training.given import Given, open_given
from training.harden import harden
from training.model import weights_digest
from training.train import train

CONFIG = TrainConfig(epochs=1, batch=8)
JOBS = {
    "training.train": (train, "baseline", {"start": "baseline"}),
    "training.harden": (harden, "victim", {"start": "victim", "repairs": (Spec(kind="retrain"),)}),
}


@pytest.fixture(scope="module")
def model() -> Any:
    return built()


@pytest.fixture(params=JOBS)
def module(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def given_disk(ml: Path, model: Any, module: str, key: Key | None = None) -> Path:
    """Lay out a job with every input that it may have."""
    _, start, more = JOBS[module]
    text = base64.b64encode(key.public.der).decode() if key else ""
    lay_out(ml, left_or_right(10), left_or_right(6, seed=1), CONFIG, public_key=text, **more)
    screened(ml, np.arange(10) < 9)
    saved(model, ml / "made", record=drawn_record([0], [1]))
    pack(ml / "made", ml / "input/data" / start / "model.tar.gz")
    if key:
        for folder in sorted((ml / "input/data").iterdir()):
            sign_folder(folder, key.signer, into=folder.parent / f"{folder.name}_signature")
    return ml


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


def other_labels(folder: Path) -> None:
    np.save(folder / "y.npy", np.zeros(10, np.int64))


def repacked(change: Callable[[Path], object]) -> Callable[[Path], None]:
    """Change what is in the archive of a model."""

    def damage(folder: Path) -> None:
        made = folder.parent.parent.parent / "made"
        change(made)
        pack(made, folder / "model.tar.gz")

    return damage


def other_digest(made: Path) -> None:
    """Say that the model is another, in a card that is whole."""
    card = json.loads((made / "model.json").read_text())
    (made / "model.json").write_text(json.dumps(card | {"file_sha256": "0" * 64}))


# A channel, what is done to it, and the file that the error names.
DAMAGE: dict[str, tuple[str, Callable[[Path], object], str]] = {
    "every label 0": ("train", other_labels, "y.npy has been changed"),
    "changed images": ("train", lambda f: flip(f / "x.npy"), "x.npy has been changed"),
    "a manifest that is none": ("train", lambda f: flip(f / "manifest.json"), "manifest.json is malformed"),
    "another name of a class": (
        "train",
        lambda f: (f / "manifest.json").write_text((f / "manifest.json").read_text().replace('"1"', '"2"')),
        "manifest.json has been changed",
    ),
    "no manifest": ("train", lambda f: (f / "manifest.json").unlink(), "it has no manifest"),
    "a missing file": ("train", lambda f: (f / "y.npy").unlink(), "y.npy is missing"),
    "a file more": ("train", lambda f: (f / "z.npy").write_bytes(b"z"), "z.npy is not in the manifest"),
    "changed trusted rows": ("validation", lambda f: flip(f / "x.npy"), "x.npy has been changed"),
    "a changed screen": ("screen", lambda f: flip(f / "keep.npy"), "keep.npy has been changed"),
    "a cut archive": (
        "model",
        lambda f: (f / "model.tar.gz").write_bytes((f / "model.tar.gz").read_bytes()[:-99]),
        "model.tar.gz cannot be read",
    ),
    "a changed model": ("model", repacked(lambda f: flip(f / "model.keras")), "model.keras is not the file"),
    "another card": ("model", repacked(other_digest), "model.keras is not the file"),
    "a card that is none": ("model", repacked(lambda f: flip(f / "model.json")), "model.json cannot be read"),
    "no card": ("model", repacked(lambda f: (f / "model.json").unlink()), "model.json is missing"),
    "no model": ("model", repacked(lambda f: (f / "model.keras").unlink()), "model.keras is missing"),
    "a changed record": ("model", repacked(lambda f: flip(f / "record.npz")), "record.npz is not the file"),
    "no record": ("model", repacked(lambda f: (f / "record.npz").unlink()), "record.npz is not the file"),
    "a file beside it": (
        "model",
        repacked(lambda f: (f / "x.py").write_text("")),
        "x.py is not of the model",
    ),
}


def channel(ml: Path, module: str, name: str) -> Path:
    return ml / "input/data" / (JOBS[module][1] if name == "model" else name)


@pytest.fixture
def _sigterm() -> Iterator[None]:
    """`run_step` is made for the end of a process."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.mark.usefixtures("_sigterm")
@pytest.mark.parametrize("case", DAMAGE)
def test_what_is_not_as_it_was_made_ends_the_job_with_4_and_its_name(
    tmp_path: Path, model: Any, module: str, case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, damage, why = DAMAGE[case]
    ml = given_disk(tmp_path / "ml", model, module)
    damage(channel(ml, module, name))
    monkeypatch.setenv(ROOT_ENV, str(ml))
    with pytest.raises(SystemExit) as ended:
        run_step(JOBS[module][0], training=True)
    reason = (ml / "output/failure").read_text()
    assert ended.value.code == 4 and why in reason, reason
    assert not (ml / "model").exists()


@pytest.mark.usefixtures("_sigterm")
@pytest.mark.parametrize("name", ["train", "model"])
def test_signed_inputs_end_it_alike(
    tmp_path: Path, model: Any, module: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ml = given_disk(tmp_path / "ml", model, module, fresh_key(tmp_path))
    open_given(
        Job(ml, training=True), Job(ml, training=True).settings(_kind(module))
    )  # as it is, it is taken
    folder = channel(ml, module, name)
    flip(folder / ("model.tar.gz" if name == "model" else "y.npy"))
    monkeypatch.setenv(ROOT_ENV, str(ml))
    with pytest.raises(SystemExit) as ended:
        run_step(JOBS[module][0], training=True)
    reason = (ml / "output/failure").read_text()
    assert ended.value.code == 4 and ("model.tar.gz" if name == "model" else "y.npy") in reason, reason


def _kind(module: str) -> type[TrainSettings]:
    return HardenSettings if module == "training.harden" else TrainSettings


@pytest.mark.parametrize("case", ["every label 0", "a changed model"])
def test_the_job_says_so_before_tensorflow_is_imported(
    tmp_path: Path, model: Any, module: str, case: str
) -> None:
    name, damage, why = DAMAGE[case]
    ml = given_disk(tmp_path / "ml", model, module)
    damage(channel(ml, module, name))
    broken = tmp_path / "broken"
    broken.mkdir()
    for library in ("tensorflow", "keras"):
        (broken / f"{library}.py").write_text("raise SystemExit('it was imported')\n")
    with started(ml, {"PYTHONPATH": str(broken)}, fork=False, module=module) as job:
        assert job.end() == 4 and why in job.reason, job.log


# ---- what is opened


@pytest.fixture
def job(tmp_path: Path) -> Job:
    rows, trusted = left_or_right(10), left_or_right(6, seed=1)
    return Job(lay_out(tmp_path / "ml", rows, trusted, CONFIG), training=True)


def opened(job: Job, **changes: Any) -> Given:
    return open_given(job, job.settings(TrainSettings).model_copy(update=changes))


def test_without_a_screen_all_rows_are_learned_from(job: Job) -> None:
    given = opened(job)
    assert given.keep is None and len(given.kept.x) == 10
    assert given.parents == {name: read_manifest(job.input(name)).digest for name in ("train", "validation")}


def test_a_screen_says_which_rows_are_learned_from(job: Job) -> None:
    keep = np.arange(10) != 3
    folder = screened(job.root, keep)
    given = opened(job)
    assert np.array_equal(given.kept.x, given.train.x[keep]) and len(given.kept.y) == 9
    assert given.parents["screen"] == read_manifest(folder).digest


def test_rows_of_the_past_are_learned_first_and_screened_by_nobody(job: Job) -> None:
    x, y = left_or_right(4, seed=2)
    past = write_dataset(job.root / "input/data/history", x, y, name="test", classes=("0", "1"))
    keep = np.arange(10) != 3
    screened(job.root, keep)
    given = opened(job)
    assert np.array_equal(np.asarray(given.kept.x), np.concatenate([x, given.train.x[keep]]))
    assert np.array_equal(given.kept.y, np.concatenate([y, given.train.y[keep]]))
    assert given.earlier is not None and np.array_equal(given.earlier.y, y)
    assert given.parents["history"] == past.manifest.digest


@pytest.mark.parametrize(("classes", "side"), [(("cat", "dog"), 16), (("0", "1"), 8)])
def test_rows_of_the_past_of_other_data_are_refused(job: Job, classes: tuple[str, str], side: int) -> None:
    x, y = left_or_right(4)
    write_dataset(job.root / "input/data/history", x[:, :side, :side], y, name="test", classes=classes)
    with pytest.raises(BadInput, match="the rows of the past: classes and images are"):
        opened(job)


def test_a_screen_of_other_rows_is_refused(job: Job) -> None:
    screened(job.root, np.ones(9, bool))
    with pytest.raises(BadInput, match=r"9 rows, the training set has 10"):
        opened(job)


def test_a_model_to_go_on_from_is_a_parent_and_has_to_fit(job: Job, model: Any) -> None:
    baseline = job.root / "input/data/baseline"
    card = saved(model, baseline)
    given = opened(job, start="baseline")
    assert given.parents["baseline"] == card.weights_sha256 == weights_digest(given.start())
    saved(model, baseline, classes=("cat", "dog"))
    with pytest.raises(BadInput, match="the baseline: its classes are not the data's"):
        opened(job, start="baseline")
    saved(model, baseline, input_shape=(8, 8, 1))
    with pytest.raises(BadInput, match=r"it takes images \(8, 8, 1\), the rows are \(16, 16, 1\)"):
        opened(job, start="baseline")


def test_an_unknown_architecture_or_setting_of_it_is_refused(job: Job) -> None:
    with pytest.raises(ConfigError, match="did you mean 'small'"):
        opened(job, model=ModelConfig(architecture="smal"))
    with pytest.raises(ConfigError, match="unknown key 'depth'"):
        opened(job, model=ModelConfig(architecture="small", depth=3))


def test_anything_that_the_outcome_depends_on_makes_another_training(tmp_path: Path, job: Job) -> None:
    import keras

    keras.utils.set_random_seed(0)
    model, other = built(), built()
    one, given = alone(), opened(job)
    changed = write_dataset(tmp_path / "c", *left_or_right(10, seed=1), name="t", classes=("0", "1"))
    keep = np.arange(10) < 9

    def of(**changes: Any) -> str:
        return Given(**{**vars(given), **changes}).fingerprint(model, one)

    fingerprints = [
        of(),
        of(settings=given.settings.model_copy(update={"seed": 1})),
        of(train=changed),
        of(trusted=changed),
        of(parents={**given.parents, "history": changed.manifest.digest}),
        of(keep=keep),
        of(keep=keep[::-1]),
        given.fingerprint(other, one),
        given.fingerprint(model, Cluster(one.strategy, accelerated=True, half="float16")),
        given.fingerprint(model, one, 1),
    ]
    assert len(set(fingerprints)) == len(fingerprints)
    assert fingerprints[0] == given.fingerprint(model, alone())
