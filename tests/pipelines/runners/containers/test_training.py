"""Training in real containers: stopped and started again, and on two machines at once."""

from __future__ import annotations

import os
import re
import subprocess
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.ranges import ROOT, Run, stage
from helpers.training_jobs import lay_out, left_or_right, weights

from boomerang.settings import TrainConfig

# In one process with the other tests of containers: those say that Docker has nothing of ours any more.
pytestmark = [pytest.mark.whole, pytest.mark.timeout(1200)]

CONFIG = TrainConfig(epochs=40, batch=16)
MNIST_PART = ["data.train=10000", "data.test=4000", "train.epochs=4"]


def docker(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False, timeout=180)


class Container:
    """A training container on a disk of its own, as whoever runs the test."""

    def __init__(self, image: str, ml: Path) -> None:
        self.name = f"boomerang-test-{uuid.uuid4().hex[:12]}"
        user = f"{os.getuid()}:{os.getgid()}"
        done = docker(
            *("run", "--detach", "--name", self.name, "--network", "none", "--user", user),
            *("--volume", f"{ml}:/opt/ml", image, "train"),
        )
        assert done.returncode == 0, done.stderr

    @property
    def log(self) -> str:
        done = docker("logs", self.name)
        return done.stdout + done.stderr

    def wait_for(self, text: str) -> None:
        deadline = time.monotonic() + 120
        while text not in self.log:
            assert time.monotonic() < deadline, self.log
            time.sleep(0.1)

    def end(self) -> int:
        return int(docker("wait", self.name).stdout)


@pytest.fixture
def ml(tmp_path: Path) -> Path:
    disk = lay_out(tmp_path / "ml", left_or_right(2000), left_or_right(200, 1), CONFIG)
    for folder in ("model", "output", "checkpoints"):
        (disk / folder).mkdir(exist_ok=True)
    return disk


@pytest.fixture
def started(image: str) -> Iterator[list[Container]]:
    """The containers of a test, which do not outlive it."""
    containers: list[Container] = []
    yield containers
    for container in containers:
        docker("rm", "--force", container.name)


def epochs(log: str) -> list[int]:
    return [int(number) for number in re.findall(r"^epoch (\d+)/", log, re.MULTILINE)]


@pytest.mark.parametrize(
    "stop", [("stop", "--time", "60"), ("kill", "--signal", "KILL")], ids=["TERM", "KILL"]
)
def test_a_container_that_is_stopped_goes_on_where_it_was(
    image: str, ml: Path, started: list[Container], stop: tuple[str, ...]
) -> None:
    started.append(Container(image, ml))
    started[0].wait_for("epoch 3/")
    assert docker(*stop, started[0].name).returncode == 0
    code, first = started[0].end(), epochs(started[0].log)
    assert code == (143 if "stop" in stop else 137)
    assert 3 <= len(first) < CONFIG.epochs
    if code == 143:
        assert "it got SIGTERM after" in (ml / "output/failure").read_text()

    started.append(Container(image, ml))
    assert started[1].end() == 0, started[1].log
    second = epochs(started[1].log)
    assert second[-1] == CONFIG.epochs and set(first) | set(second) == set(range(1, CONFIG.epochs + 1))
    assert len(first) + len(second) <= CONFIG.epochs + 1, "at most one epoch is done twice"
    assert not list((ml / "checkpoints").iterdir())

    if code != 143:
        return
    stopped = weights(ml)
    for file in (ml / "model").iterdir():
        file.unlink()
    started.append(Container(image, ml))
    assert started[2].end() == 0 and weights(ml) == stopped, "the same weights as if it had never stopped"


def test_two_containers_train_and_share_the_rows_as_one_does(
    image: str, real_data: Path, tmp_path: Path
) -> None:
    data = [f"data.path={real_data / 'mnist.npz'}", *MNIST_PART]
    one = stage("mnist-corner", tmp_path / "one", "run", data)
    several = [*data, "jobs.training_count=2", "jobs.processing_count=2"]
    two = stage("mnist-corner", tmp_path / "two", "run", several, on="local")
    assert one.code in (0, 1) and two.code in (0, 1), two.output
    # Which canaries are frozen is the model's choice, and two machines train another than one.
    frozen = "Evaluate/evaluation/canaries"
    assert {**two.datasets, frozen: ""} == {**one.datasets, frozen: ""}
    for model in ("baseline", "victim", "hardened"):
        assert clean_accuracy(two, model) == pytest.approx(clean_accuracy(one, model), abs=0.01), model
    log = (two.folder / "logs/TrainBaseline.log").read_text()
    assert epochs(log) == [1, 2, 3, 4], "one of the two writes the log"
    parts = {path.name for path in (two.folder / "s3").glob("*/*/*/runs/run/PreprocessParts/parts/*")}
    assert parts == {"1-of-2", "2-of-2"}


def clean_accuracy(run: Run, model: str) -> float:
    value: float = run.metrics["models"][model]["clean_accuracy"]["value"]
    return value


def test_the_bundled_campaign_passes_its_gate_in_containers_with_the_same_numbers(
    image: str, tmp_path: Path
) -> None:
    # In CI `make run` has staged the same entry; then every step comes from its cache.
    process = stage("default", ROOT / "runs" if os.environ.get("CI") else tmp_path / "process", "compared")
    local = stage("default", tmp_path / "local", "run", on="local")
    assert (process.code, local.code) == (0, 0), local.output
    assert local.step("Register")["status"] == "Succeeded"
    assert local.datasets == process.datasets
    for name, rate in process.rates.items():
        assert local.rates[name] == pytest.approx(rate, abs=0.005), name
