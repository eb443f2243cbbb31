"""Serves one model, the one that was approved: what the image's `serve` runs on an endpoint of SageMaker.

    GET  /ping           200: the model is open
    POST /invocations    an `.npy` of uint8[N, H, W, C], at most 25 MB; the answer is JSON:
                             classes         the names of all classes
                             calls           for each row the most likely one; null where the model gave none
                             probabilities   for each row one number a class

The model lies in `/opt/ml/model`, where SageMaker unpacks the package's archive. It is opened as Evaluate and
the canary open it, and held against the digest that the package was approved with: one that is another is not
served, and the endpoint does not come up (or stays as it was).

Environment: MODEL_DIGEST, the package's `ModelDigest`; SAGEMAKER_BIND_TO_PORT, else the port is 8080.
"""

from __future__ import annotations

import json
import math
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np

from boomerang.contract import ML_ROOT, ROOT_ENV
from boomerang.errors import BadInput, BoomerangError, ConfigError, IntegrityError
from boomerang.manifest import Images
from boomerang.safeio import load_npy
from training.model import NO_ANSWER, Ask, calls_of, classifier, load_model

DIGEST, PORT = "MODEL_DIGEST", "SAGEMAKER_BIND_TO_PORT"
# What SageMaker lets through to an endpoint at once. Source: API reference, InvokeEndpoint.
MAX_REQUEST_BYTES = 25 << 20
KIND = "application/x-npy"
_PORT = 8080
_PATIENCE_S = 60

Answer = Callable[[Images], dict[str, Any]]


def opened(folder: Path, digest: str) -> Answer:
    """Open the model of a folder and return what answers with it.

    Parameters
    ----------
    folder : Path
    digest : str
        Of the model's weights, as the package says it.

    Raises
    ------
    ConfigError
        If no digest is given.
    IntegrityError
        If it is another model, or not what its card describes.
    """
    if not digest:
        do = "give the ModelDigest of the package that was approved"
        raise ConfigError(DIGEST, "it is not set, so nobody knows what may be served", do)
    model, card = load_model(folder)
    if card.weights_sha256 != digest:
        why = f"its digest is {card.weights_sha256}, the package was approved with {digest}"
        raise IntegrityError(f"{folder} is not the model that was approved", why, "deploy the package anew")
    ask, shape = classifier(model), tuple(model.input_shape[1:])
    return lambda x: _answer(ask, _fitting(x, shape), card.classes)


def _fitting(x: Images, shape: tuple[int, ...]) -> Images:
    if x.dtype != np.uint8 or x.shape[1:] != shape:
        why = f"they are {x.dtype}{list(x.shape)}"
        raise BadInput("the images", why, f"give uint8[N, {', '.join(map(str, shape))}], 0..255")
    return x


def _answer(ask: Ask, x: Images, classes: tuple[str, ...]) -> dict[str, Any]:
    answers = ask(x)
    return {
        "classes": list(classes),
        "calls": [None if call == NO_ANSWER else classes[call] for call in calls_of(answers).tolist()],
        # JSON has no word for NaN.
        "probabilities": [[p if math.isfinite(p) else None for p in row] for row in answers.tolist()],
    }


def server(answer: Answer, port: int) -> ThreadingHTTPServer:
    """Return a server that answers with a model, bound and ready; `serve_forever` runs it."""
    return ThreadingHTTPServer(("", port), _handler(answer))


def _handler(answer: Answer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        """Answers the two requests of an endpoint."""

        timeout = _PATIENCE_S

        def do_GET(self) -> None:
            known = self.path == "/ping"
            self._reply(HTTPStatus.OK if known else HTTPStatus.NOT_FOUND, {})

        def do_POST(self) -> None:
            if self.path != "/invocations":
                self._reply(HTTPStatus.NOT_FOUND, {})
                return
            try:
                self._reply(HTTPStatus.OK, answer(self._images()))
            except BoomerangError as error:
                self._reply(HTTPStatus.BAD_REQUEST, {"error": str(error)})

        def _images(self) -> Images:
            length = self.headers.get("Content-Length", "")
            if not length.isdecimal() or int(length) > MAX_REQUEST_BYTES:
                why = f"it has {length or 'no'} bytes, 1 to {MAX_REQUEST_BYTES:,} are taken"
                raise BadInput("the request", why, f"send an array of images as {KIND}")
            with tempfile.NamedTemporaryFile(suffix=".npy") as file:
                file.write(self.rfile.read(int(length)))
                file.flush()
                try:
                    return load_npy(Path(file.name), kinds="u", ndim=4, max_bytes=MAX_REQUEST_BYTES)
                except BadInput as error:
                    raise BadInput("the request", error.why, error.do) from None

        def _reply(self, status: HTTPStatus, content: Mapping[str, Any]) -> None:
            body = json.dumps(content, allow_nan=False).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing: what is asked is nobody's business, and SageMaker counts by itself."""

    return Handler


def main() -> int:
    """Serve until the container is told to stop, and return the exit code."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # as the first process it would not hear it else
    try:
        answer = opened(Path(os.environ.get(ROOT_ENV, ML_ROOT)) / "model", os.environ.get(DIGEST, ""))
    except BoomerangError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    with server(answer, int(os.environ.get(PORT, _PORT))) as made:
        print("serving", flush=True)
        made.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
