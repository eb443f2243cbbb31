"""Serves the dashboard on this machine alone: 127.0.0.1, one page, made anew for every load.

A page on another site could have its own name point to 127.0.0.1 and read along; so a request must name
this machine in its `Host`.
"""

from __future__ import annotations

import socket
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from boomerang.errors import BoomerangError, UsageError
from boomerang.shown import display_name

ADDRESS = "127.0.0.1"
PORT = 8765
_NAMES = (ADDRESS, "localhost")
# A browser opens a few connections, and asks at once. Who does not is no browser.
MOST_AT_ONCE = 8
READ_S, WRITE_S = 10.0, 30.0
_BUSY = b"HTTP/1.0 503 Service Unavailable\r\nContent-Length: 0\r\nRetry-After: 1\r\n\r\n"


def server(page: Callable[[], str], port: int = PORT, *, read_s: float = READ_S) -> ThreadingHTTPServer:
    """Return a server of a page, bound and ready; `serve_forever` runs it.

    It answers `MOST_AT_ONCE` requests at a time and tells any other to come again; a request has to be there
    after `read_s` seconds.

    Parameters
    ----------
    page : callable
        Makes the page; it is called for every load.
    port : int
        0 takes any that is free.
    read_s : float

    Raises
    ------
    UsageError
        If the port is taken, or is none.
    """
    try:
        return _Server((ADDRESS, port), _handler(page, read_s))
    except (OSError, OverflowError) as error:
        why = f"port {port} cannot be used: {error}"
        raise UsageError("--serve", why, "give another one, as in --serve 8766") from error


class _Server(ThreadingHTTPServer):
    """Holds few connections at a time, and says in one line what went wrong with one."""

    request_queue_size = 4 * MOST_AT_ONCE  # who is to be told waits for it here

    def __init__(self, *arguments: Any) -> None:
        self._room = threading.BoundedSemaphore(MOST_AT_ONCE)
        super().__init__(*arguments)

    def process_request(self, request: Any, client_address: Any) -> None:
        if self._room.acquire(blocking=False):
            super().process_request(request, client_address)
            return
        request.settimeout(0.1)
        with suppress(OSError):  # it has gone
            request.sendall(_BUSY)
        self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._room.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):  # those are of a tab that was closed
            print(f"a request failed: {_in_words(error)}", file=sys.stderr, flush=True)


def _in_words(error: BaseException | None) -> str:
    return display_name(f"{type(error).__name__}: {error}")


def _handler(page: Callable[[], str], read_s: float) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        """Answers `GET /`, and `HEAD /` by the same without the page."""

        timeout = WRITE_S

        def setup(self) -> None:
            super().setup()
            # One that sends a byte now and then would never meet a timeout of the socket.
            self.deadline = threading.Timer(read_s, self._give_up)
            self.deadline.daemon = True
            self.deadline.start()

        def finish(self) -> None:
            self.deadline.cancel()
            super().finish()

        def _give_up(self) -> None:
            with suppress(OSError):  # it has gone
                self.connection.shutdown(socket.SHUT_RDWR)

        def do_GET(self) -> None:
            self.deadline.cancel()
            if self.headers.get("Host", "").partition(":")[0] not in _NAMES:
                self._answer(HTTPStatus.FORBIDDEN, "this page is for this machine\n", "text/plain")
            elif self.path.partition("?")[0] != "/":
                self._answer(HTTPStatus.NOT_FOUND, "there is one page: /\n", "text/plain")
            else:
                self._answer(*_made(page))

        def do_HEAD(self) -> None:
            self.do_GET()

        def _answer(self, status: HTTPStatus, text: str, kind: str) -> None:
            content = text.encode(errors="backslashreplace")
            self.send_response(status)
            self.send_header("Content-Type", f"{kind}; charset=utf-8")
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Cache-Control", "no-store")
            self.send_header("X-Content-Type-Options", "nosniff")
            self.send_header("X-Frame-Options", "DENY")
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Say nothing: the terminal is for the address."""

    return Handler


def _made(page: Callable[[], str]) -> tuple[HTTPStatus, str, str]:
    try:
        return HTTPStatus.OK, page(), "text/html"
    except (BoomerangError, OSError) as error:
        return HTTPStatus.INTERNAL_SERVER_ERROR, f"{error}\n", "text/plain"
    except Exception as error:
        # Whatever it is, the next load may be well: somebody may be writing into the workspace.
        return (
            HTTPStatus.INTERNAL_SERVER_ERROR,
            f"the page cannot be made: {_in_words(error)}\n",
            "text/plain",
        )
