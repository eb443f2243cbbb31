"""The table of hostile files: each is refused by name, in 2 s of CPU and 512 MB, whatever it claims.

`helpers.hostile_cases` has the files with their readers, and measures each in a process of its own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from helpers.hostile_cases import CASES, MEGABYTES, SECONDS
from helpers.once import once
from helpers.ranges import ROOT


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What each case said and took."""

    def measure(folder: Path) -> None:
        paths = os.pathsep.join((str(ROOT), str(ROOT / "tests")))
        environment = os.environ | {"PYTHONPATH": paths, "TF_CPP_MIN_LOG_LEVEL": "3"}
        command = [sys.executable, "-W", "ignore", "-m", "helpers.hostile_cases"]
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True)
        (folder / "table.jsonl").write_bytes(done.stdout)

    lines = (once(tmp_path_factory, "hostile", measure) / "table.jsonl").read_text().splitlines()
    return {row["name"]: row for row in map(json.loads, lines)}


def test_there_are_sixty_and_more_of_different_names() -> None:
    names = [case.name for case in CASES]
    assert len(names) >= 60 and len(set(names)) == len(names)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_hostile_file_is_refused_by_name_and_costs_little(case: Any, table: dict[str, Any]) -> None:
    row = table[case.name]
    outcome = row["outcome"]
    # An error of ours, so with what, why and what to do; the folder has the case's name.
    assert outcome.partition(":")[0] in ("BadInput", "ConfigError", "IntegrityError"), outcome
    assert case.said in outcome and "\n  " in outcome, outcome
    assert any(name in outcome for name in (*row["files"], case.name)), outcome
    assert row["seconds"] <= SECONDS and row["megabytes"] <= MEGABYTES, row
