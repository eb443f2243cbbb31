"""Screen: the detectors together as a pure function, and the step as a real process."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar, Literal

import numpy as np
import pytest
from helpers.ranges import ROOT
from helpers.records import drawn_record
from helpers.suspects import CLASSES, StubVictim, make_suspect, noise_images, with_features
from helpers.training_jobs import built, saved

from boomerang.blocks import new_dataset, row_digests
from boomerang.config import Spec
from boomerang.contract import ROOT_ENV, Job
from boomerang.digest import digest_tree
from boomerang.errors import BadInput, BoomerangError
from boomerang.formats.model import Record, write_record
from boomerang.formats.notices import notices_below
from boomerang.formats.screen import open_screen, write_screen
from boomerang.manifest import Dataset, Manifest, opened, verify_folder, write_dataset
from processing.defenses.common.base import Detector, Finding, Scored, Suspect
from processing.defenses.common.recorded import NO_RECORD
from processing.defenses.screening import DETECTORS
from processing.defenses.screening.activation_clustering import ActivationClustering
from processing.defenses.screening.data_validation import DataValidation
from processing.defenses.screening.spectral_signatures import SpectralSignatures
from processing.screen import SharedVictim, run, screen
from training.model import ModelView

ROWS = 240
THREE = ("data_validation", "activation_clustering", "spectral_signatures")


class Broken(Detector):
    """A detector that forgets a row, or divides by zero."""

    title = "broken"
    source = "none"
    kind: Literal["broken"] = "broken"
    rows: int = 1600
    value: Literal["nan", "0"] = "0"

    def score(self, suspect: Suspect) -> Scored[None]:
        return Scored(np.full(self.rows, float(self.value)), None)

    def decide(self, scored: Scored[None]) -> Finding:
        return Finding(scored.scores, np.zeros(self.rows, bool))


def test_a_row_that_any_detector_flags_is_not_kept() -> None:
    data, poisoned = make_suspect()
    detectors = [DataValidation(), ActivationClustering(), SpectralSignatures()]
    screened = screen(data, detectors)
    assert screened.scores.shape == screened.flagged.shape == (3, 1600)
    assert np.array_equal(screened.keep, ~screened.flagged.any(0))
    for row, detector in zip(screened.flagged, detectors, strict=True):
        assert np.array_equal(row, detector.screen(data).flagged)
    assert screened.keep[poisoned].mean() < 0.05
    assert screened.keep[~poisoned].mean() > 0.98
    assert [entry.flagged for entry in screened.detectors] == screened.flagged.sum(1).tolist()


def test_without_detectors_every_row_is_kept() -> None:
    data, _ = make_suspect()
    screened = screen(data, [])
    assert screened.keep.all()
    assert screened.scores.shape == (0, 1600)
    assert screened.detectors == ()


def test_two_of_a_kind_get_names_of_their_own() -> None:
    data, _ = make_suspect(rows=80, poison=2)
    named = screen(data, [DataValidation(), SpectralSignatures(), DataValidation(repeats=2)]).detectors
    assert [entry.name for entry in named] == ["data_validation", "spectral_signatures", "data_validation-2"]


@pytest.mark.parametrize("broken", [Broken(rows=1599), Broken(value="nan")])
def test_a_detector_that_returns_nonsense_stops_the_step(broken: Detector) -> None:
    data, _ = make_suspect()
    with pytest.raises(ValueError, match="broken returned"):
        screen(data, [broken])


def test_the_report_says_how_each_detector_decided() -> None:
    data, _ = make_suspect()
    detectors = [ActivationClustering(rule="smaller"), SpectralSignatures()]
    for entry, detector in zip(screen(data, detectors).detectors, detectors, strict=True):
        plain = entry.model_dump(mode="json")
        assert json.loads(json.dumps(plain, allow_nan=False)) == plain
        assert DETECTORS.create(Spec.model_validate(entry.settings)) == detector
        assert (entry.kind, entry.title, entry.source) == (detector.kind, detector.title, detector.source)


def write_job(root: Path, detectors: tuple[str, ...], *, model: Path | None = None, size_px: int = 8) -> Path:
    """Lay out the inputs of the step; rows 0, 10 and 20 are one picture."""
    inputs = root / "processing" / "input"
    rng = np.random.default_rng(0)
    x = noise_images(rng, ROWS, size_px)
    x[[10, 20]] = x[0]
    y = np.arange(ROWS) % len(CLASSES)
    write_dataset(inputs / "train", x, y, name="noise", classes=CLASSES)
    write_dataset(inputs / "trusted", noise_images(rng, 220, size_px), y[:220], name="noise", classes=CLASSES)
    (inputs / "config").mkdir()
    config = {"seed": 3, "detectors": [{"kind": kind} for kind in detectors]}
    (inputs / "config" / "config.json").write_text(json.dumps(config))
    (inputs / "model").mkdir()
    if model:
        with tarfile.open(inputs / "model" / "model.tar.gz", "w:gz") as archive:
            for file in sorted(model.iterdir()):
                archive.add(file, file.name)
    return root


def run_step(root: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "processing.screen"],
        cwd=ROOT,
        env=os.environ | {ROOT_ENV: str(root), "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny untrained model, saved as a training job saves one."""
    import keras

    from training.architectures.common.base import FEATURES, LOGITS
    from training.model import save_model

    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.layers.Input((8, 8, 3), dtype="uint8"),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Flatten(),
            keras.layers.Dense(12, activation="relu", name=FEATURES),
            keras.layers.Dense(len(CLASSES), name=LOGITS),
            keras.layers.Softmax(),
        ]
    )
    folder = tmp_path_factory.mktemp("model")
    card = {"architecture": "tiny", "classes": CLASSES, "input_shape": (8, 8, 3), "seed": 0}
    save_model(model, folder, **card, parents={"train": "0" * 64}, rows=ROWS, history={})
    return folder


def test_the_step_writes_the_same_bytes_twice_and_flags_the_copies(
    tmp_path: Path, model_folder: Path
) -> None:
    roots = [write_job(tmp_path / name, THREE, model=model_folder) for name in ("first", "second")]
    for root in roots:  # in processes, as steps run: other tests may have set how this one computes
        done = run_step(root)
        assert done.returncode == 0, done.stderr
    outputs = [root / "processing" / "output" / "screen" for root in roots]
    assert digest_tree(outputs[0]) == digest_tree(outputs[1])
    manifest = verify_folder(outputs[0])
    assert manifest.kind == "screen"
    assert manifest.seed == 3
    assert set(manifest.parents) == {"train", "trusted", "model"}
    assert set(manifest.files) == {"keep.npy", "scores.npy", "flagged.npy", "rows.csv", "report.json"}
    screened = open_screen(outputs[0], ROWS)
    assert np.array_equal(screened.keep, ~screened.flagged.any(0))
    assert np.flatnonzero(screened.flagged[0]).tolist() == [0, 10, 20]
    assert [entry.name for entry in screened.detectors] == list(THREE)


class Recorder(Detector):
    """A detector that keeps what it was shown."""

    title = "recorder"
    source = "none"
    kind: Literal["recorder"] = "recorder"
    seen: ClassVar[list[Suspect]] = []

    @classmethod
    def of(cls, spec: Spec) -> Recorder:
        return cls(kind=spec.kind)

    def score(self, suspect: Suspect) -> Scored[None]:
        self.seen.append(suspect)
        if suspect.reference is not None:
            suspect.reference.answer(suspect.trusted_x)
        return Scored(np.zeros(len(suspect.y)), None)

    def decide(self, scored: Scored[None]) -> Finding:
        return Finding(scored.scores, np.zeros(len(scored.scores), bool))


def write_past(root: Path, model: Path, rows: int, classes: tuple[str, ...] = CLASSES) -> Dataset:
    """Add rows of the past, and the model that learned them, to the inputs of the step."""
    inputs = root / "processing" / "input"
    shutil.copytree(model, inputs / "reference")
    x, y = noise_images(np.random.default_rng(1), rows), np.arange(rows) % len(classes)
    return write_dataset(inputs / "history", x, y, name="noise", classes=classes)


def test_rows_of_the_past_and_their_model_are_shown_and_no_more_of_them_than_fit(
    tmp_path: Path, model_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("processing.screen.DETECTORS", SimpleNamespace(create=Recorder.of))
    monkeypatch.setattr("processing.screen._MOST_PAST", 40)
    shown = []
    for name in ("one", "two"):
        root = write_job(tmp_path / name, ("recorder",), model=model_folder)
        past = write_past(root, model_folder, 120)
        run(Job(root))
        shown.append(Recorder.seen.pop())
        parents = verify_folder(root / "processing/output/screen").parents
        assert parents["history"] == past.manifest.digest and set(parents) == {
            *("train", "trusted", "history", "reference"),
        }
    one, two = shown
    assert one.past_x is not None and one.past_y is not None and two.past_x is not None
    assert np.bincount(one.past_y).tolist() == [10, 10, 10, 10] and one.past_rows == 120
    assert np.array_equal(one.past_x, two.past_x)
    rows = {row.tobytes(): label for row, label in zip(past.x, past.y, strict=True)}
    assert [rows[row.tobytes()] for row in one.past_x] == one.past_y.tolist()


def test_without_rows_of_the_past_there_is_no_reference() -> None:
    data, _ = make_suspect(rows=80, poison=2)
    assert data.reference is None and data.past_x is None


def test_rows_of_the_past_of_other_classes_are_refused(tmp_path: Path, model_folder: Path) -> None:
    root = write_job(tmp_path, ("data_validation",), model=model_folder)
    write_past(root, model_folder, 8, ("a", "b"))
    with pytest.raises(BadInput, match="the rows of the past: the classes are"):
        run(Job(root))


def with_record(model: Path, folder: Path, record: Record) -> Path:
    """Copy a model's folder, with a record beside it."""
    shutil.copytree(model, folder)
    card = json.loads((folder / "model.json").read_text())
    (folder / "model.json").write_text(json.dumps(card | {"record_sha256": write_record(folder, record)}))
    return folder


def test_what_the_training_of_the_victim_saw_of_the_rows_reaches_the_detectors(
    tmp_path: Path, model_folder: Path
) -> None:
    y = np.arange(ROWS) % len(CLASSES)
    record = drawn_record(y, y[:220])
    record.margin[7] = -30
    root = write_job(
        tmp_path / "job", ("area_under_margin",), model=with_record(model_folder, tmp_path / "m", record)
    )
    run(Job(root))
    folder = root / "processing/output/screen"
    screened = open_screen(folder, ROWS)
    assert np.array_equal(screened.scores[0], -record.margin[:ROWS]) and screened.flagged[0, 7]
    assert set(verify_folder(folder).parents) == {"train", "trusted", "model"}
    assert not any("kept no record" in each.why for each in notices_below(folder))


def test_a_victim_that_learned_other_rows_is_refused_and_one_without_a_record_said(
    tmp_path: Path, model_folder: Path
) -> None:
    other = with_record(model_folder, tmp_path / "m", drawn_record(np.zeros(ROWS), np.zeros(220)))
    with pytest.raises(BoomerangError, match="it is of other rows than the suspect ones"):
        run(Job(write_job(tmp_path / "other", ("early_loss",), model=other)))
    root = write_job(tmp_path / "none", ("early_loss",), model=model_folder)
    run(Job(root))
    folder = root / "processing/output/screen"
    assert open_screen(folder, ROWS).keep.all()
    assert [each.why for each in notices_below(folder)] == [NO_RECORD]


def test_data_validation_alone_opens_no_model(tmp_path: Path) -> None:
    done = run_step(write_job(tmp_path, ("data_validation",)))
    assert done.returncode == 0, done.stderr
    assert set(verify_folder(tmp_path / "processing/output/screen").parents) == {"train", "trusted"}


def test_the_step_goes_by_who_delivered_the_rows(tmp_path: Path) -> None:
    """GIVEN rows of two sources WHEN a label was changed after they were vouched for THEN that row goes."""
    root = write_job(tmp_path, ("provenance",))
    inputs = root / "processing" / "input" / "train"
    x, y = np.array(opened(inputs).x), np.array(opened(inputs).y)
    vouched, sources = row_digests(x, y), np.arange(ROWS) % 2
    sources[5] = -1
    manifest = Manifest(name="noise", classes=CLASSES, source_names=("here", "there"))
    with new_dataset(inputs, ROWS, x.shape[1:], manifest, sources, lambda *_: vouched) as arrays:
        arrays[0][:], arrays[1][:] = x, np.where(np.arange(ROWS) == 8, (y + 1) % len(CLASSES), y)
    run(Job(root))
    keep = open_screen(root / "processing" / "output" / "screen").keep
    assert np.flatnonzero(~keep).tolist() == [5, 8]


def test_a_model_of_another_shape_is_refused(tmp_path: Path, model_folder: Path) -> None:
    root = write_job(tmp_path, ("spectral_signatures",), model=model_folder, size_px=10)
    with pytest.raises(BoomerangError, match=r"\(8, 8, 3\)") as refusal:
        run(Job(root))
    assert refusal.value.exit_code == 2 and "(10, 10, 3)" in str(refusal.value)
    assert not (tmp_path / "processing/output/screen").exists()


def test_a_training_set_that_was_changed_is_refused(tmp_path: Path) -> None:
    root = write_job(tmp_path, ("data_validation",))
    file = root / "processing/input/train/y.npy"
    data = bytearray(file.read_bytes())
    data[-8] ^= 1
    file.write_bytes(data)
    assert run_step(root).returncode == 4


def test_the_step_takes_no_truth(tmp_path: Path) -> None:
    """Whatever lies in the inputs under that name changes nothing."""
    plain = write_job(tmp_path / "plain", ("data_validation",))
    told = write_job(tmp_path / "told", ("data_validation",))
    (told / "processing/input/truth").mkdir()
    (told / "processing/input/truth/attack_of.npy").write_bytes(b"not even an array")
    for root in (plain, told):
        assert run_step(root).returncode == 0
    assert digest_tree(plain / "processing/output") == digest_tree(told / "processing/output")


def test_copies_do_not_hide_the_rarer_poison() -> None:
    """GIVEN a backdoor and, in the same class, many copies of a row that lie elsewhere
    WHEN the copies are set aside first THEN the detectors after find the backdoor; else they do not."""
    suspect, poisoned, copies = crowded()
    alone = screen(suspect, [SpectralSignatures()])
    after = screen(suspect, [DataValidation(), SpectralSignatures()])
    assert after.flagged[0][copies].all() and not after.flagged[0][~copies].any()
    assert alone.flagged[0][poisoned].mean() < 0.5
    assert after.flagged[1][poisoned].mean() > 0.9


def crowded() -> tuple[Suspect, np.ndarray, np.ndarray]:
    """Two classes; class 0 holds 300 clean rows, 30 poisoned ones and 90 copies of one row."""
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], [420, 300])
    poisoned, copies = np.zeros(720, bool), np.zeros(720, bool)
    poisoned[300:330], copies[330:420] = True, True
    features = rng.normal(size=(720 + 400, 8)).astype(np.float32)
    features[:720][poisoned, 0] += 8
    features[:720][copies] = 0
    features[:720][copies, 1] = 12
    # The image is a stand-in that the features are looked up by; copies share one.
    x = np.zeros((720 + 400, 4, 4, 3), np.uint8)
    x[:, 0, 0, 0], x[:, 0, 0, 1] = np.arange(1120) % 256, np.arange(1120) // 256
    x[:, 1:] = rng.integers(0, 256, (1120, 3, 4, 3))
    x[:720][copies] = x[330]
    embed = {len(x[:720]): features[:720], 400: features[720:]}
    trusted_y, victim = np.repeat([0, 1], 200), StubVictim(lambda rows: embed[len(rows)], 2)
    suspect = Suspect(x[:720], y, x[720:], trusted_y, ("a", "b"), victim, 0)
    return suspect, poisoned, copies


@pytest.mark.parametrize("detector", [DataValidation(), ActivationClustering(), SpectralSignatures()])
def test_a_detector_that_could_not_look_says_so_beside_what_it_flags(
    tmp_path: Path, detector: Detector
) -> None:
    data, _ = make_suspect()
    blind = with_features(data.features, data.y, data.trusted_features[:0], data.trusted_y[:0])
    write_screen(tmp_path / "sees", screen(data, [detector]), Manifest(name="t"))
    write_screen(tmp_path / "blind", screen(blind, [detector]), Manifest(name="t"))
    assert not any("trusted row" in each.why for each in notices_below(tmp_path / "sees"))
    (said,) = (each for each in notices_below(tmp_path / "blind") if "trusted row" in each.why)
    assert said.kind == "warning" and said.what == detector.title
    open_screen(tmp_path / "blind", len(data.y))


def test_a_shared_victim_gives_its_network_and_what_its_layers_give(tmp_path: Path) -> None:
    saved(built("small"), tmp_path)
    view, x = ModelView(tmp_path), np.zeros((3, 16, 16, 1), np.uint8)
    shared = SharedVictim(view, None)  # no rows are asked about
    ((part, (features,)),) = shared.pooled(["features"])(x)
    assert shared.network is view.network and part == slice(0, 3)
    np.testing.assert_allclose(features, view.embed(x), atol=1e-6)
