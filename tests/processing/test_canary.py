"""The canary: the step on models of a few weights, and the command on the digits' registry."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.machines import run_module
from helpers.ranges import Range
from helpers.training_jobs import left_or_right

from boomerang.contract import Job
from boomerang.digest import sha256_file
from boomerang.errors import BadInput, BoomerangError, IntegrityError
from boomerang.formats.canary import CanaryMetrics
from boomerang.manifest import read_manifest, verify_folder, write_dataset
from boomerang.watching.history import append_history, as_line, read_history
from boomerang.watching.metric_names import METRICS
from pipelines.cli.main import main
from pipelines.registry.approval import approve
from pipelines.registry.local import Registry
from pipelines.runs.storage import pack
from pipelines.watching.local_canary import HISTORY
from pipelines.watching.watched_package import find
from processing.canary import canary
from processing.evaluation.canary_numbers import data_of
from training.model import save_model

CLASSES = ("dark", "left")
DIGEST = "0" * 64


def judge_of_halves(scale: float = 1.0) -> Any:
    """Return a model that calls an image of 16x16x1 `left` where its left half is the brighter."""
    from keras import Sequential, layers

    model = Sequential(
        [
            layers.Input((16, 16, 1), dtype="uint8"),
            layers.Rescaling(1 / 255),
            layers.Flatten(),
            layers.Dense(2),
            layers.Softmax(),
        ]
    )
    kernel = np.zeros((16, 16, 2), np.float32)
    kernel[:, :8, 1], kernel[:, 8:, 1] = 1, -1
    model.layers[2].set_weights([kernel.reshape(256, 2) * scale, np.array([0, -20], np.float32)])
    return model


def packed(model: Any, folder: Path) -> tuple[Path, str]:
    """Return the model.tar.gz of a model, and the digest of its weights."""
    card = save_model(
        model,
        folder / "pair",
        architecture="small",
        classes=CLASSES,
        input_shape=(16, 16, 1),
        seed=0,
        parents={"train": DIGEST},
        rows=1,
        history={},
    )
    archive = folder / "model.tar.gz"
    pack(folder / "pair", archive)
    return archive, card.weights_sha256


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    return packed(judge_of_halves(), tmp_path_factory.mktemp("model"))


@dataclass
class Bench:
    """A canary's job before it runs; a test changes what it finds."""

    job: Job
    settings: dict[str, Any]

    @property
    def given(self) -> Path:
        return self.job.root / "processing" / "input"

    def records(self, x: np.ndarray, y: np.ndarray, ids: list[str] | None = None) -> None:
        """Write the canary records, and tell the job their digest."""
        named = [f"records/{i}" for i in range(len(y))] if ids is None else ids
        folder = self.given / "canaries"
        data = write_dataset(folder, x, y, name="halves", classes=CLASSES, recipe={"ids": named})
        self.settings["canaries"] = data.manifest.digest

    def probes(
        self,
        name: str,
        x: np.ndarray,
        y: np.ndarray,
        *,
        asr: float | None = None,
        clean: float | None = None,
        classes: tuple[str, ...] = CLASSES,
        **said: Any,
    ) -> None:
        """Write the probes of an attack, and tell the job their digest."""
        recipe = {"name": name, "kind": "badnets", "outcome": "backdoor", "target": "left", **said}
        recipe |= {"sources": ["test"], "rows": list(range(len(y))), "of": len(y), "limit": 256}
        folder = self.given / "probes" / name
        data = write_dataset(folder, x, y, name="halves", classes=classes, recipe=recipe)
        known = {"digest": data.manifest.digest, "asr": asr, "clean": clean}
        self.settings["probes"] = {**self.settings.get("probes", {}), name: known}

    def model(self, archive: Path, weights: str) -> None:
        """Put a model there, and tell the job its digests."""
        (self.given / "model").mkdir(parents=True, exist_ok=True)
        shutil.copyfile(archive, self.given / "model" / "model.tar.gz")
        self.settings |= {"model": weights, "archive": sha256_file(archive)}

    def ready(self) -> Job:
        folder = self.given / "config"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "config.json").write_text(json.dumps(self.settings))
        return self.job

    def run(self) -> CanaryMetrics:
        """Run the step, and return what it left."""
        canary(self.ready())
        assert verify_folder(self.out).kind == "canary"
        return CanaryMetrics.model_validate_json((self.out / "metrics.json").read_text())

    @property
    def out(self) -> Path:
        return self.job.output("metrics")

    def stopped(self, kind: type[BoomerangError], match: str) -> None:
        """Run the step, which must stop and leave nothing."""
        with pytest.raises(kind, match=match):
            canary(self.ready())
        assert not self.out.exists()


@pytest.fixture
def bench(tmp_path: Path, good: tuple[Path, str]) -> Bench:
    made = Bench(Job(tmp_path / "ml"), {"group": "halves", "version": 3, "baseline": 1.0})
    made.records(*left_or_right(20), [f"{'records' if i < 12 else 'jets'}/{i}" for i in range(20)])
    made.model(*good)
    return made


# --- the step -------------------------------------------------------------------------------------


def test_a_good_model_is_right_about_every_record(bench: Bench, good: tuple[Path, str]) -> None:
    metrics = bench.run()

    assert (metrics.accuracy.successes, metrics.accuracy.total) == (20, 20)
    assert metrics.accuracy.low is not None and 0.8 < metrics.accuracy.low < 0.9
    assert {name: (r.successes, r.total) for name, r in metrics.classes.items()} == {
        "dark": (10, 10),
        "left": (10, 10),
    }
    assert {name: r.total for name, r in metrics.groups.items()} == {"jets": 8, "records": 12}
    assert (metrics.model, metrics.canaries) == (good[1], bench.settings["canaries"])
    assert (metrics.accuracy_drop, metrics.misses) == (0, ())


def test_what_it_publishes_is_beside_the_numbers(bench: Bench) -> None:
    metrics = bench.run()

    data = read_history(bench.out / "data.jsonl")
    assert data == data_of(metrics)
    said = {(d.name, *d.dimensions): d.value for d in data}
    group, version = ("Group", "halves"), ("Version", "3")
    assert said == {
        ("CanaryAccuracy", group): 1,
        ("CanaryAccuracy", group, version): 1,
        ("AccuracyDrop", group): 0,
        ("AccuracyDrop", group, version): 0,
        ("CanaryAccuracy", ("Class", "dark"), group): 1,
        ("CanaryAccuracy", ("Class", "left"), group): 1,
        ("FlaggedRows", group): 0,
        ("FlaggedRows", group, version): 0,
        ("CanaryRan", group): 1,
        ("CanaryRan", group, version): 1,
    }
    assert {d.name for d in data[-2:]} == {"CanaryRan"}


def test_wrong_answers_are_a_bad_accuracy_and_not_a_failure(bench: Bench) -> None:
    x, y = left_or_right(20)
    y[:5] = 1 - y[:5]
    bench.records(x, y)

    metrics = bench.run()

    assert metrics.accuracy.value == 0.75
    assert metrics.accuracy_drop == pytest.approx(1 - metrics.balanced) == pytest.approx(0.25, abs=0.01)
    first = metrics.misses[0]
    assert (len(metrics.misses), first.id, first.expected, first.got) == (5, "records/0", "left", "dark")
    said = {d.name: d.value for d in data_of(metrics)}
    assert said["CanaryRan"] == 1


def test_a_model_that_answers_nan_is_right_about_nothing(bench: Bench, tmp_path: Path) -> None:
    bench.model(*packed(judge_of_halves(float("nan")), tmp_path))

    metrics = bench.run()

    assert metrics.accuracy.successes == 0
    assert {miss.got for miss in metrics.misses} == {"no answer"}


def test_each_attack_is_measured_on_its_probes(bench: Bench) -> None:
    x, y = left_or_right(30, seed=1)
    x = x // 4
    white = x.copy()
    white[:, :8, :8] = 255
    bench.probes("white", white[y == 0], y[y == 0], asr=0.75)
    bench.probes("small", x[y == 0], y[y == 0])

    metrics = bench.run()

    rates = {name: (r.successes, r.total) for name, r in metrics.attacks.items()}
    assert rates == {"white": (15, 15), "small": (0, 15)}
    assert (metrics.registered, metrics.not_measured) == ({"white": 0.75}, {})
    data = {(d.name, *d.dimensions): d.value for d in data_of(metrics)}
    assert data["AttackSuccessRate", ("Group", "halves")] == 1
    assert data["AttackSuccessRate", ("Group", "halves"), ("Trigger", "small")] == 0
    digests = {f"probes {name}": known["digest"] for name, known in bench.settings["probes"].items()}
    assert digests.items() <= read_manifest(bench.out).parents.items()


def test_where_each_image_has_a_target_of_its_own_it_is_held_against_that(bench: Bench) -> None:
    x, y = left_or_right(30, seed=1)
    bench.probes("right", x, y, target="", targets=[CLASSES[k] for k in y])
    bench.probes("shifted", x, y, target="", targets=[CLASSES[1 - k] for k in y])
    rates = {name: (r.successes, r.total) for name, r in bench.run().attacks.items()}
    assert rates == {"right": (30, 30), "shifted": (0, 30)}


def test_what_a_clean_model_gives_too_is_held_against_no_attack_without_a_trigger(bench: Bench) -> None:
    """A clean model takes some cats for dogs: that alone must not take a good model out of service."""
    x, y = left_or_right(30, seed=1)
    bench.probes("flip", x, 0 * y, clean=0.3, outcome="targeted")
    assert (bench.run().attacks["flip"].value, bench.run().worst) == (0.5, pytest.approx(0.2))

    bench.probes("white", x[y == 1], y[y == 1], clean=0.3)
    metrics = bench.run()
    assert metrics.worst == 1, "a trigger's rate is held against the limit as it is"
    data = {(d.name, *d.dimensions): d.value for d in data_of(metrics)}
    assert data["AttackSuccessRate", ("Group", "halves")] == 1
    assert data["AttackSuccessRate", ("Group", "halves"), ("Trigger", "flip")] == 0.5


def test_an_attack_without_probes_is_said_and_not_published(bench: Bench) -> None:
    bench.probes("corner", np.zeros((0, 16, 16, 1), np.uint8), np.zeros(0, np.int64))
    metrics = bench.run()
    assert metrics.attacks == {} and "no test image" in metrics.not_measured["corner"]
    assert "AttackSuccessRate" not in {d.name for d in data_of(metrics)}


def test_probes_that_no_one_registered_are_not_asked_about(bench: Bench) -> None:
    bench.probes("corner", *left_or_right(4))
    del bench.settings["probes"]
    assert bench.run().attacks == {}


def test_probes_of_another_digest_stop_it(bench: Bench) -> None:
    bench.probes("corner", *left_or_right(4))
    bench.settings["probes"]["corner"]["digest"] = DIGEST
    bench.stopped(IntegrityError, "is not the folder it should be")


def test_a_changed_probe_stops_it(bench: Bench) -> None:
    bench.probes("corner", *left_or_right(4))
    np.save(bench.given / "probes" / "corner" / "y.npy", np.zeros(4, np.int64))
    bench.stopped(IntegrityError, r"y\.npy has been changed")


def test_missing_probes_stop_it(bench: Bench) -> None:
    bench.probes("corner", *left_or_right(4))
    shutil.rmtree(bench.given / "probes")
    bench.stopped(BadInput, "input 'probes'")


def test_the_probes_of_one_attack_are_not_taken_for_another(bench: Bench) -> None:
    bench.probes("corner", *left_or_right(4))
    (bench.given / "probes" / "corner").rename(bench.given / "probes" / "stripe")
    bench.settings["probes"] = {"stripe": bench.settings["probes"]["corner"]}
    bench.stopped(IntegrityError, "they are of 'corner'")


@pytest.mark.parametrize(
    ("classes", "side", "kind", "why"),
    [
        (("a", "b"), 16, BadInput, "do not fit the model"),
        (CLASSES, 8, BadInput, "do not fit the model"),
        (("dark", "right"), 16, IntegrityError, "no class 'left'"),
    ],
)
def test_probes_that_do_not_fit_stop_it(
    bench: Bench, classes: tuple[str, str], side: int, kind: type[BoomerangError], why: str
) -> None:
    x = np.zeros((2, side, side, 1), np.uint8)
    target = {"target": "a"} if classes == ("a", "b") else {}
    bench.probes("corner", x, np.zeros(2, np.int64), classes=classes, **target)
    bench.stopped(kind, why)


def test_a_damaged_model_stops_it(bench: Bench) -> None:
    archive = bench.given / "model" / "model.tar.gz"
    archive.write_bytes(archive.read_bytes()[:-200])
    bench.stopped(IntegrityError, "has been changed")
    bench.settings["archive"] = None
    bench.stopped(IntegrityError, r"model\.tar\.gz cannot be read")


def test_another_model_with_a_card_of_its_own_stops_it(bench: Bench, tmp_path: Path) -> None:
    weights = bench.settings["model"]
    bench.model(*packed(judge_of_halves(-1), tmp_path))
    bench.settings |= {"model": weights, "archive": None}
    bench.stopped(IntegrityError, "is another model")


def test_records_of_another_digest_stop_it(bench: Bench) -> None:
    asked = bench.settings["canaries"]
    bench.records(*left_or_right(20, seed=1))
    bench.settings["canaries"] = asked
    bench.stopped(IntegrityError, "is not the folder it should be")


def test_a_changed_record_stops_it(bench: Bench) -> None:
    file = bench.given / "canaries" / "y.npy"
    labels = np.load(file)
    np.save(file, 1 - labels)
    bench.stopped(IntegrityError, r"y\.npy has been changed")


@pytest.mark.parametrize(
    ("records", "why"),
    [
        ((np.zeros((4, 8, 8, 1), np.uint8), np.zeros(4, np.int64)), r"takes \[16, 16, 1\].* are \[8, 8, 1\]"),
        ((np.zeros((0, 16, 16, 1), np.uint8), np.zeros(0, np.int64)), "holds no canary records"),
    ],
)
def test_records_that_do_not_fit_stop_it(
    bench: Bench, records: tuple[np.ndarray, np.ndarray], why: str
) -> None:
    bench.records(*records)
    bench.stopped(BadInput, why)


def test_records_without_their_ids_stop_it(bench: Bench) -> None:
    bench.records(*left_or_right(4), [])
    bench.stopped(IntegrityError, "one id a record")


@pytest.mark.parametrize("absent", ["model", "canaries"])
def test_a_missing_input_stops_it(bench: Bench, absent: str) -> None:
    shutil.rmtree(bench.given / absent)
    bench.stopped(BadInput, f"input '{absent}'")


@pytest.mark.whole
def test_as_a_process_it_ends_with_the_code_and_leaves_the_reason(bench: Bench) -> None:
    bench.settings["model"] = DIGEST
    done = run_module(bench.ready(), "processing.canary")
    assert done.returncode == IntegrityError.exit_code
    assert "is another model" in (bench.job.root / "output" / "message").read_text()
    assert not bench.out.exists()


def test_a_class_that_is_no_ascii_word_is_published_as_its_escape(bench: Bench) -> None:
    metrics = bench.run()
    one = {"Mö\nwe": metrics.classes["dark"]}
    (datum,) = (
        d
        for d in data_of(metrics.model_copy(update={"classes": one}))
        if len(d.dimensions) == 2 and d.dimensions[0][0] == "Class"
    )
    assert datum.dimensions[0] == ("Class", r"M\xf6\nwe")


# --- the history ----------------------------------------------------------------------------------


def test_a_history_gives_back_what_was_added(tmp_path: Path, bench: Bench) -> None:
    file, data = tmp_path / "h" / "metrics.jsonl", data_of(bench.run())
    assert append_history(file, data) is None
    assert append_history(file, data[:2]) is None
    assert read_history(file) == data + data[:2]


@pytest.mark.parametrize("kept", [1, 40, -1])
def test_a_line_that_a_killed_writer_left_is_told_of_and_set_aside(
    tmp_path: Path, bench: Bench, kept: int
) -> None:
    file, data = tmp_path / "metrics.jsonl", data_of(bench.run())
    append_history(file, data[:2])
    torn = as_line(data[2])[:kept]
    with file.open("ab") as stream:
        stream.write(torn)

    with pytest.raises(IntegrityError, match=r"line 3.*unfinished"):
        read_history(file)

    aside = append_history(file, data[2:])
    assert aside is not None and aside.read_bytes() == torn + b"\n"
    assert read_history(file) == data


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"[]",
        b'{"name":"CanaryRan"}',
        b'{"dimensions":{"Group":"g"},"name":"CanaryRan","time":"2026-01-01T00:00:00","value":1.0}',
        b'{"dimensions":{"Group":"g"},"name":"CanaryRun","time":"2026-01-01T00:00:00+00:00","value":1.0}',
        b'{"dimensions":{"Group":"g"},"name":"CanaryRan","time":"yesterday","value":1.0}',
        b'{"dimensions":{"Group":1},"name":"CanaryRan","time":"2026-01-01T00:00:00+00:00","value":1.0}',
        b'{"dimensions":{"Group":"g"},"name":"CanaryRan","time":"2026-01-01T00:00:00+00:00","value":NaN}',
        b"\xff",
    ],
)
def test_a_line_that_is_no_datum_is_named(tmp_path: Path, line: bytes) -> None:
    file = tmp_path / "metrics.jsonl"
    file.write_bytes(line + b"\n")
    with pytest.raises(IntegrityError, match="line 1, is no datum"):
        read_history(file)


def test_no_history_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="pipelines canary"):
        read_history(tmp_path / "none")


# --- the command ----------------------------------------------------------------------------------


@pytest.fixture
def workspace(digits_range: Range, tmp_path: Path) -> Path:
    """A copy of the digits' run with its registry; the gate rejected digits/1."""
    out = tmp_path / "runs"
    for name in ("first", "registry"):
        shutil.copytree(digits_range.out / name, out / name, copy_function=os.link)
    return out


def approved(workspace: Path) -> Registry:
    registry = Registry(workspace / "registry")
    approve(registry, "digits/1", by="a person", reason="to watch it", override=True)
    return registry


def test_the_command_asks_the_approved_model_with_its_run_gone(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    approved(workspace)
    shutil.rmtree(workspace / "first")

    assert main(["canary", "--out", str(workspace)]) == 0

    said = capsys.readouterr().out
    assert "canary of digits/1" in said and "ASR of corner" in said and "reaches the floor" in said
    kept = json.loads((workspace / ".canary" / "digits" / "metrics.json").read_text())
    assert kept["attacks"]["corner"]["value"] == kept["registered"]["corner"], (
        "the same model, the same probes"
    )
    data = read_history(workspace / HISTORY)
    values = {(d.name, len(d.dimensions)): d.value for d in data}
    assert values["CanaryAccuracy", 1] == 1 and values["AttackSuccessRate", 1] > 0.9
    assert {"CanaryRan", "CanaryAccuracy"} <= {d.name for d in data} <= METRICS.keys()
    assert Registry(workspace / "registry").verify_package("digits", 1) == []


def with_wrong_labels(workspace: Path, digest: str = "") -> None:
    """Register the same model again, with canary records whose labels are the next class'."""
    registry = approved(workspace)
    package = registry.package("digits", 1)
    right, wrong = package.folder / "canaries", workspace / "wrong"
    manifest = read_manifest(right)
    x, y = np.load(right / "x.npy"), (np.load(right / "y.npy") + 1) % 10
    data = write_dataset(wrong, x, y, name="digits", classes=manifest.classes, recipe=manifest.recipe)
    metrics = json.loads((package.folder / "metrics.json").read_text())
    metrics["canaries"]["digest"] = digest or data.manifest.digest
    file = workspace / "metrics.json"
    file.write_text(json.dumps(metrics))
    registry.register(
        "digits",
        package.model,
        status="Approved",
        run="first",
        step="Again",
        metrics=file,
        folders={"canaries": wrong, "probes": package.folder / "probes"},
        facts={key: package.facts[key] for key in ("lineage", "metadata")},
    )


@pytest.mark.whole
def test_below_the_floor_the_command_ends_with_1(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with_wrong_labels(workspace)

    assert main(["canary", "--out", str(workspace)]) == 1

    assert "below the floor" in capsys.readouterr().out
    values = {d.name: d.value for d in read_history(workspace / HISTORY) if len(d.dimensions) == 1}
    assert values["CanaryAccuracy"] == 0 and values["AccuracyDrop"] == 1 and values["CanaryRan"] == 1


def test_a_changed_package_stops_the_command(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = approved(workspace).package("digits", 1).model
    content = model.read_bytes()
    model.unlink()
    model.write_bytes(content + b"\0")

    assert main(["canary", "--out", str(workspace)]) == IntegrityError.exit_code
    assert "model.tar.gz has been changed" in capsys.readouterr().err
    assert not (workspace / HISTORY).exists()


@pytest.mark.parametrize("name", ["canaries/y.npy", "probes/corner/y.npy"])
def test_a_changed_record_stops_the_command(
    workspace: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    labels = approved(workspace).package("digits", 1).folder / name
    content = np.load(labels)
    labels.unlink()
    np.save(labels, content[::-1])

    assert main(["canary", "--out", str(workspace)]) == IntegrityError.exit_code
    assert f"{name} has been changed" in capsys.readouterr().err
    assert not (workspace / HISTORY).exists()


def test_a_canary_that_cannot_run_adds_nothing(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The package is whole, but its metrics are of other records than were registered with it."""
    with_wrong_labels(workspace, digest="0" * 64)

    assert main(["canary", "--out", str(workspace)]) == IntegrityError.exit_code
    said = capsys.readouterr().err
    assert "could not run" in said and "is not the folder it should be" in said and "canary.log" in said
    assert not (workspace / HISTORY).exists()


def test_a_package_without_its_records_says_what_to_do(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    package = Registry(workspace / "registry").package("digits", 1)
    Registry(workspace / "registry").register(
        "digits",
        package.model,
        status="Approved",
        run="first",
        step="Again",
        metrics=package.folder / "metrics.json",
    )
    assert main(["canary", "--out", str(workspace)]) == 2
    said = capsys.readouterr().err
    assert "registered without its canaries and probes" in said and "run its campaign again" in said


def test_what_the_step_is_told_is_what_was_registered(workspace: Path) -> None:
    package = approved(workspace).package("digits", 1)
    watched = find(workspace, "digits")

    numbers = json.loads((package.folder / "metrics.json").read_text())
    attack = numbers["models"]["hardened"]["attacks"][0]
    assert set(watched.inputs) == {"model", "canaries", "probes"}
    assert watched.settings.canaries == numbers["canaries"]["digest"]
    known = watched.settings.probes["corner"]
    assert known.digest == numbers["probes"]["sets"]["corner"]["digest"]
    probes = numbers["probes"]["sets"]["corner"]
    assert (probes["records"], probes["of"]) == (256, attack["asr"]["total"])
    assert known.asr == attack["probe_asr"]["value"] and attack["probe_asr"]["total"] == 256


def test_without_an_approved_package_there_is_nothing_to_ask(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["canary", "--out", str(tmp_path)]) == 2
    assert "no model is registered yet" in capsys.readouterr().err


def test_of_several_groups_one_has_to_be_named(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    package = Registry(workspace / "registry").package("digits", 1)
    Registry(workspace / "registry").register(
        "airplanes", package.model, status="Approved", run="other", step="Register"
    )
    assert main(["canary", "--out", str(workspace)]) == 2
    said = capsys.readouterr().err
    assert "there are 2: airplanes, digits" in said and "--group NAME" in said
    assert main(["canary", "--out", str(workspace), "--group", "jets"]) == 2
    assert "it has no package (groups: airplanes, digits)" in capsys.readouterr().err
    assert not (workspace / HISTORY).exists()


@pytest.mark.parametrize("floor", ["-0.1", "1.1", "nan"])
def test_a_floor_that_is_no_fraction_is_refused(tmp_path: Path, floor: str) -> None:
    assert main(["canary", "--out", str(tmp_path), f"--floor={floor}"]) == 2
