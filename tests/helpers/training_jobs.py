"""Training jobs for tests: their disk laid out as SageMaker does, and their processes."""

from __future__ import annotations

import json
import multiprocessing
import os
import runpy
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from boomerang.config import Spec, as_hyperparameters
from boomerang.contract import ROOT_ENV
from boomerang.formats.screen import Screened, write_screen
from boomerang.manifest import Manifest, write_dataset
from boomerang.settings import GivenFile, HardenSettings, ModelConfig, TrainConfig, TrainSettings
from helpers.ranges import ROOT
from training.architectures import ARCHITECTURES
from training.architectures.as_given import AsGiven
from training.foreign.brought import Brought
from training.labeled import Labeled
from training.model import ModelCard, save_model


def left_or_right(rows: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return uint8[rows, 16, 16, 1] and int64[rows]: class 1 is brighter on its left half.

    Learnable, and not the same mirrored.
    """
    y = np.arange(rows) % 2
    x = np.random.default_rng(seed).integers(0, 120, (rows, 16, 16, 1), np.uint8)
    x[y == 1, :, :8] += 100
    return x, y


def lay_out(
    ml: Path,
    train: tuple[np.ndarray, np.ndarray],
    validation: tuple[np.ndarray, np.ndarray],
    config: TrainConfig,
    *,
    architecture: Any = "small",
    hosts: Sequence[str] = ("algo-1",),
    index: int = 0,
    **more: Any,
) -> Path:
    """Write what a training job finds on its disk, and return the disk.

    `more` is of the settings; with `repairs` or `inference` they are those of a hardening job.
    """
    classes = tuple(map(str, range(int(train[1].max()) + 1)))
    for name, (x, y) in (("train", train), ("validation", validation)):
        write_dataset(ml / "input/data" / name, x, y, name="test", classes=classes)
    kind = HardenSettings if more.keys() & {"repairs", "inference"} else TrainSettings
    settings = kind(seed=0, model=ModelConfig(architecture=architecture), train=config, **more)
    folder = ml / "input/config"
    folder.mkdir(parents=True)
    (folder / "hyperparameters.json").write_text(json.dumps(as_hyperparameters(settings)))
    machine = {"current_host": hosts[index], "hosts": list(hosts)}
    (folder / "resourceconfig.json").write_text(json.dumps(machine))
    return ml


def screened(ml: Path, keep: np.ndarray) -> Path:
    """Give a job a screen of one detector's that kept some rows, and return its folder."""
    folder, nobody = ml / "input/data/screen", np.zeros((0, len(keep)))
    write_screen(folder, Screened(keep, nobody, nobody.astype(bool)), Manifest(name="test"))
    return folder


def built(
    kind: str = "small", shape: tuple[int, int, int] = (16, 16, 1), classes: int = 2, **settings: Any
) -> Any:
    """Return an untrained network."""
    architecture = ARCHITECTURES.create(Spec(kind=kind, **settings))
    if isinstance(architecture, AsGiven):
        architecture = given_network(classes)
    return architecture.build(shape, classes)


def given_network(classes: int) -> AsGiven:
    """Return the architecture that the network of a file is: of colored images of another size than most."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "own.keras"
        with_norm(classes).save(file)
        brought = Brought(file, GivenFile(scale="-1..1"))
        assert brought.model is not None  # opened while it is there
    return brought.architecture(Labeled(np.zeros((0, 1, 1, 1), np.uint8), np.zeros(0, np.int64)))


def with_norm(classes: int) -> Any:
    """Return a network with a batch norm that takes 12 x 12 colored pixels and gives logits."""
    import keras
    from keras import layers

    return keras.Sequential(
        [
            layers.Input((12, 12, 3)),
            layers.Conv2D(8, 3, strides=2, use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.Flatten(),
            layers.Dense(classes),
        ]
    )


def drawn(kind: str, **settings: Any) -> Any:
    """Return a network whose batch norms have drawn statistics, so that none of them does nothing."""
    model, rng = built(kind, **settings), np.random.default_rng(0)
    for layer in model.layers:
        for variable in layer.variables:
            if variable.name in ("gamma", "beta", "bias", "moving_mean", "moving_variance"):
                variable.assign(rng.uniform(0.1, 0.5, variable.shape))
    return model


def saved(model: Any, folder: Path, **card: Any) -> ModelCard:
    """Save a model of 16 by 16 gray pixels and two classes, and return its card."""
    known = {"architecture": "small", "classes": ("0", "1"), "input_shape": (16, 16, 1), "seed": 0}
    return save_model(model, folder, **{**known, "parents": {}, "rows": 1, "history": {}, **card})


class Training:
    """The process of a training job; its output goes into a file beside the job's disk.

    It is a new program, as in a container, or forked from one that has Keras loaded, as the process
    runner does it.
    """

    def __init__(self, ml: Path, more: Mapping[str, str], *, fork: bool, module: str) -> None:
        self.ml, self.file = ml, ml.parent / f"{ml.name}-{len(list(ml.parent.glob('*.log')))}.log"
        self.file.touch()
        environment = {**more, ROOT_ENV: str(ml), "TF_CPP_MIN_LOG_LEVEL": "3"}
        self.process: Any
        if fork:
            self.process = _FORKS.Process(target=_train, args=(environment, self.file, module), daemon=True)
            self.process.start()
            return
        with self.file.open("wb") as out:
            command = [sys.executable, "-m", module]
            environment = {**os.environ, **environment}
            self.process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=out, stderr=out)

    @property
    def log(self) -> str:
        """What it has said so far."""
        return self.file.read_text()

    def wait_for(self, text: str, timeout_s: float = 120) -> None:
        """Wait until it has said something."""
        deadline = time.monotonic() + timeout_s
        while text not in self.log:
            assert not self.ended and time.monotonic() < deadline, self.log
            time.sleep(0.005)

    def send(self, number: int) -> None:
        """Send it a signal."""
        os.kill(self.process.pid, number)

    @property
    def ended(self) -> bool:
        """Whether the process is gone."""
        if isinstance(self.process, subprocess.Popen):
            return self.process.poll() is not None
        return not self.process.is_alive()

    def end(self, timeout_s: float = 120) -> int:
        """Wait for the end, and return the exit code."""
        deadline = time.monotonic() + timeout_s
        while not self.ended:
            assert time.monotonic() < deadline, self.log
            time.sleep(0.005)
        ended = self.process
        code: int = ended.returncode if isinstance(ended, subprocess.Popen) else ended.exitcode
        return code

    @property
    def reason(self) -> str:
        """What it left for SageMaker to show."""
        return (self.ml / "output/failure").read_text()


_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["keras"])


def _train(environment: Mapping[str, str], log: Path, module: str) -> None:
    """Become the training job."""
    out = os.open(log, os.O_WRONLY | os.O_APPEND)
    os.dup2(out, 1)
    os.dup2(out, 2)
    os.environ.update(environment)
    runpy.run_module(module, run_name="__main__", alter_sys=True)


@contextmanager
def started(
    ml: Path, more: Mapping[str, str] | None = None, *, fork: bool = True, module: str = "training.train"
) -> Iterator[Training]:
    """Start a training job's process, which does not outlive the block."""
    training = Training(ml, more or {}, fork=fork, module=module)
    try:
        yield training
    finally:
        training.process.kill()
        training.end()


@contextmanager
def both(
    disks: Sequence[Path], *, fork: bool = True, module: str = "training.train"
) -> Iterator[tuple[Training, Training]]:
    """Start a job on two hosts, which reach each other on this machine."""
    with ExitStack() as sockets:
        given = [sockets.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in disks]
        workers = [f"127.0.0.1:{each.getsockname()[1]}" for each in given]
    configs = [{"cluster": {"worker": workers}, "task": {"type": "worker", "index": i}} for i in range(2)]
    with ExitStack() as stack:
        first, second = (
            stack.enter_context(started(ml, {"TF_CONFIG": json.dumps(config)}, fork=fork, module=module))
            for ml, config in zip(disks, configs, strict=True)
        )
        yield first, second


def finished(ml: Path, module: str = "training.train") -> Training:
    """Run a training job's process to its good end."""
    with started(ml, module=module) as training:
        assert training.end() == 0, training.log
    return training


def weights(ml: Path) -> str:
    """Return the digest of the weights that a job has left."""
    digest: str = json.loads((ml / "model/model.json").read_text())["weights_sha256"]
    return digest
