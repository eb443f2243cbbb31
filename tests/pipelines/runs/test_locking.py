"""A lock is held by one process at a time, and gone with it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from helpers.ranges import ROOT

from boomerang.errors import UsageError
from pipelines.runs.locking import locked

HOLD = """
import sys
from pathlib import Path
from pipelines.runs.locking import locked
with locked(Path(sys.argv[1]), wait=True, what="it"):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_lock_is_gone_with_the_process_that_held_it(tmp_path: Path) -> None:
    file = tmp_path / "new" / "x.lock"
    command = [sys.executable, "-c", HOLD, str(file)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None and holder.stdout.readline() == b"held\n"
        with pytest.raises(UsageError, match="another process"), locked(file, wait=False, what="it"):
            pass
        holder.kill()
    with locked(file, wait=False, what="it"):
        pass
