"""Python's text is parsed in many threads at once, and each gets its own."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from boomerang.safeio import parse_literal, parse_python


class Yielding:
    """Garbage that is collected in the middle of whatever allocates, and lets another thread go on there."""

    def __init__(self) -> None:
        self.me = self

    def __del__(self) -> None:
        time.sleep(0)


@pytest.fixture
def garbage() -> Iterator[None]:
    """Garbage is collected as often as can be."""
    thresholds = gc.get_threshold()
    gc.set_threshold(20)
    yield
    gc.set_threshold(*thresholds)


@pytest.mark.usefixtures("garbage")
def test_threads_that_parse_at_a_time_do_not_disturb_each_other() -> None:
    """Without the lock Python 3.11.7 raised SystemError in three of five such rounds."""

    def parse(number: int) -> bool:
        depth = 5 + number % 40
        Yielding()
        nested = parse_literal("[" * depth + "]" * depth)
        Yielding()
        tree = parse_python(b"x = " + b"(1, " * depth + b"1" + b",)" * depth)
        for _ in range(depth - 1):
            (nested,) = nested
        return nested == [] and len(tree.body) == 1

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(parse, range(2000)))


def test_what_is_no_python_is_said_as_python_says_it() -> None:
    with pytest.raises(SyntaxError):
        parse_python(b"def")
    with pytest.raises(ValueError, match="malformed"):
        parse_literal("open('x')")
