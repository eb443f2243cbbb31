"""Serves the dashboard on this machine alone: 127.0.0.1, one page, made anew for every load.

A page on another site could have its own name point to 127.0.0.1 and read along; so a request must name
this machine in its `Host`.
"""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from boomerang.errors import BoomerangError, UsageError

ADDRESS = "127.0.0.1"
PORT = 8765
_NAMES = (ADDRESS, "localhost")


def server(page: Callable[[], str], port: int = PORT) -> ThreadingHTTPServer:
    """Return a server of a page, bound and ready; `serve_forever` runs it.

    Parameters
    ----------
    page : callable
        Makes the page; it is called for every load.
    port : int
        0 takes any that is free.

    Raises
    ------
    UsageError
        If the port is taken, or is none.
    """
    try:
        return ThreadingHTTPServer((ADDRESS, port), _handler(page))
    except (OSError, OverflowError) as error:
        why = f"port {port} cannot be used: {error}"
        raise UsageError("--serve", why, "give another one, as in --serve 8766") from error


def _handler(page: Callable[[], str]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        """Answers `GET /`."""

        def do_GET(self) -> None:
            if self.headers.get("Host", "").partition(":")[0] not in _NAMES:
                self._answer(HTTPStatus.FORBIDDEN, "this page is for this machine\n", "text/plain")
            elif self.path.partition("?")[0] != "/":
                self._answer(HTTPStatus.NOT_FOUND, "there is one page: /\n", "text/plain")
            else:
                self._answer(*_made(page))

        def _answer(self, status: HTTPStatus, text: str, kind: str) -> None:
            content = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", f"{kind}; charset=utf-8")
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Cache-Control", "no-store")
            self.send_header("X-Content-Type-Options", "nosniff")
            self.send_header("X-Frame-Options", "DENY")
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Say nothing: the terminal is for the address."""

    return Handler


def _made(page: Callable[[], str]) -> tuple[HTTPStatus, str, str]:
    try:
        return HTTPStatus.OK, page(), "text/html"
    except (BoomerangError, OSError) as error:
        return HTTPStatus.INTERNAL_SERVER_ERROR, f"{error}\n", "text/plain"
