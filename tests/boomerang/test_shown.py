"""What is shown to people: nothing in it acts on a terminal, and a lost reader changes no exit code."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.ranges import ROOT

from boomerang.errors import UsageError
from boomerang.shown import Shown, Styled, display_name, printable, shown

HOSTILE = "a\x1b[2J\x9b1m\r\b\a\x00\x7f\u202e\u2066\u200b\ud800\udcffb"


def test_what_acts_on_a_terminal_is_escaped_and_what_is_text_is_not() -> None:
    said = printable(HOSTILE)
    assert said.isprintable() and said.startswith("a\\x1b[2J\\x9b1m\\r") and said.endswith("\\udcffb")
    assert "\\u202e" in said and "\\u2066" in said
    for text in ("plain", "two\nlines\tand a tab", "größer ✓ │ 日本"):
        assert printable(text) == text
    assert printable(said) == said
    assert display_name("two\nlines") == "two\\nlines"


def test_all_that_is_printed_inside_is_escaped_whoever_prints_it(capsys: pytest.CaptureFixture[str]) -> None:
    before = sys.stdout, sys.stderr
    with shown():
        print(HOSTILE)
        sys.stderr.writelines([HOSTILE, "\n"])
    assert (sys.stdout, sys.stderr) == before
    told = capsys.readouterr()
    assert told.out == told.err == f"{printable(HOSTILE)}\n"


def test_a_stream_that_knows_few_characters_gets_escapes() -> None:
    raw = io.BytesIO()
    stream = Shown(io.TextIOWrapper(raw, encoding="ascii"))
    stream.write("✓ passed")
    stream.flush()
    assert raw.getvalue() == b"\\u2713 passed"


def test_what_cannot_be_written_is_an_error_and_of_a_message_none() -> None:
    with Path("/dev/full").open("w") as full:
        stream = Styled(full)
        stream.write("x")
        with pytest.raises(UsageError, match="No space left"):
            stream.flush()
    with Path("/dev/full").open("w") as full:
        messages = Styled(full, lossy=True)
        messages.write("x")
        messages.flush()


@pytest.mark.parametrize(("end", "code"), [("0", 0), ("1", 1)])
def test_a_reader_that_has_gone_changes_no_exit_code(end: str, code: int) -> None:
    """More is written than a pipe holds, by print and by rich, which ends the process by itself."""
    program = (
        "import sys\nfrom boomerang.shown import shown\nfrom pipelines.page.terminal import open_console\n"
        "with shown():\n"
        "    for _ in range(20000): print('a line of some length')\n"
        f"    open_console().print('x' * 100000)\n    sys.stdout.flush()\n    code = {end}\n"
        "sys.exit(code)"
    )
    read, write = os.pipe()
    done = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=write, stderr=subprocess.PIPE)
    os.close(write)
    os.read(read, 10)
    os.close(read)
    _, said = done.communicate(timeout=120)
    assert (done.returncode, said) == (code, b"")
