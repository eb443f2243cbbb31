"""The server of an endpoint: a process on a free port, asked as SageMaker asks it."""

from __future__ import annotations

import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.ranges import ROOT
from helpers.training_jobs import built, left_or_right, saved

from boomerang.contract import ROOT_ENV
from boomerang.errors import BadInput, ConfigError, IntegrityError
from processing.endpoint import DIGEST, PORT, opened
from training.harden import parts
from training.inference.common.base import wrapped
from training.inference.spatial_smoothing import SpatialSmoothing
from training.inference.strip import Strip
from training.labeled import Labeled
from training.model import classifier, load_model


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """What stands for `/opt/ml`, with a model in it, and the model's digest."""
    ml = tmp_path_factory.mktemp("ml")
    return ml, saved(built(), ml / "model").weights_sha256


@contextmanager
def serving(ml: Path, digest: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Give the address of a server that is ready, and its process."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    env = os.environ | {ROOT_ENV: str(ml), DIGEST: digest, PORT: str(port), "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, "-m", "processing.endpoint"]
    process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout and process.stdout.readline() == "serving\n"
        yield f"http://127.0.0.1:{port}", process
    finally:
        process.kill()
        process.wait()
        assert process.stdout
        process.stdout.close()


def asked(url: str, body: bytes | None = None, **headers: str) -> tuple[int, Any]:
    """Return status and content of an answer."""
    request = urllib.request.Request(url, body, {"Content-Type": "application/x-npy", **headers})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=True)
    return buffer.getvalue()


def test_it_answers_as_the_model_does_refuses_what_is_none_and_stops_when_told(
    disk: tuple[Path, str],
) -> None:
    ml, digest = disk
    x, _ = left_or_right(5)
    with serving(ml, digest) as (url, process):
        assert asked(f"{url}/ping") == (200, {})
        status, said = asked(f"{url}/invocations", npy(x))
        expected = classifier(load_model(ml / "model")[0])(x)
        assert status == 200 and said["classes"] == ["0", "1"]
        assert np.allclose(said["probabilities"], expected)
        assert said["calls"] == [said["classes"][call] for call in expected.argmax(axis=1)]
        for body, words in (
            (b"", "the request: it is empty"),
            (b"no array", "not a numpy array"),
            (npy(np.array([{}])), "Python objects"),
            (npy(x.astype(np.float32)), "its dtype is float32"),
            (npy(x.astype(np.uint16)), "uint8"),
            (npy(x[:, :8]), "uint8[N, 16, 16, 1]"),
            (npy(x)[:-7], "claims"),
        ):
            status, said = asked(f"{url}/invocations", body)
            assert status == 400 and words in said["error"], (body[:20], said)
        assert asked(f"{url}/elsewhere", npy(x)) == (404, {})
        assert asked(f"{url}/")[0] == 404
        host, _, port = url.removeprefix("http://").partition(":")
        with socket.create_connection((host, int(port)), timeout=30) as line:
            line.sendall(b"POST /invocations HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n")
            assert b" 400 " in line.recv(100)
        assert asked(f"{url}/ping") == (200, {})
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=10) == 0


def test_a_wrapped_model_is_served_as_it_is_asked_to_the_bit_refusals_and_all(tmp_path: Path) -> None:
    x, y = left_or_right(200)
    defenses = [SpatialSmoothing(), Strip(images=4, frr=0.2)]
    whole = wrapped(built(), defenses, Labeled(x[:100], y[:100]))
    digest = saved(whole, tmp_path / "model", inference=parts(defenses)).weights_sha256
    expected = classifier(load_model(tmp_path / "model")[0])(x)
    refused = np.isnan(expected).all(axis=1)
    assert 10 < refused.sum() < 80
    with serving(tmp_path, digest) as (url, _):
        status, said = asked(f"{url}/invocations", npy(x))
    rows = [[np.nan if p is None else p for p in row] for row in said["probabilities"]]
    assert status == 200 and np.array_equal(np.array(rows, np.float32), expected, equal_nan=True)
    assert [call is None for call in said["calls"]] == refused.tolist()


def test_rows_of_nothing_are_answered_with_nothing(disk: tuple[Path, str]) -> None:
    ml, digest = disk
    said = opened(ml / "model", digest)(np.zeros((0, 16, 16, 1), np.uint8))
    assert (said["calls"], said["probabilities"]) == ([], [])


def test_a_model_that_answers_nothing_calls_nothing(
    disk: tuple[Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ml, digest = disk
    silent = np.array([[np.nan, np.nan], [0.25, 0.75]], np.float32)
    monkeypatch.setattr("processing.endpoint.classifier", lambda _: lambda _: silent)
    said = opened(ml / "model", digest)(np.zeros((2, 16, 16, 1), np.uint8))
    assert said["calls"] == [None, "1"]
    assert json.loads(json.dumps(said, allow_nan=False))["probabilities"] == [[None, None], [0.25, 0.75]]


def test_another_model_than_was_approved_is_not_served(disk: tuple[Path, str], tmp_path: Path) -> None:
    ml, digest = disk
    with pytest.raises(IntegrityError, match="is not the model that was approved"):
        opened(ml / "model", "0" * 64)
    with pytest.raises(ConfigError, match="nobody knows what may be served"):
        opened(ml / "model", "")
    with pytest.raises(BadInput):
        opened(tmp_path, digest)


def test_the_endpoint_s_container_ends_with_one_line(disk: tuple[Path, str]) -> None:
    begun = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "processing.endpoint"],
        cwd=ROOT,
        env=os.environ | {ROOT_ENV: str(disk[0]), DIGEST: "0" * 64, "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == IntegrityError.exit_code and "Traceback" not in done.stderr
    assert "is not the model that was approved" in done.stderr
    assert time.monotonic() - begun < 60
