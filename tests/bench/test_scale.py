"""The pipeline at several numbers of rows: what is read of a run's record, what is watched, what is kept."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from helpers import toy_pipeline as toy
from helpers.toy_runs import runner

from bench import scale

HOLD = "import time; held = bytearray(90 << 20); print(flush=True); time.sleep(60)"


@pytest.mark.skipif(sys.platform != "linux", reason="it reads /proc")
def test_a_job_is_known_by_the_folder_it_runs_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scale, "_POLL_S", 0.05)
    folder = tmp_path / "run" / "jobs" / "Make" / "cwd"
    folder.mkdir(parents=True)
    with scale._watching(tmp_path / "run", os.getpid()) as seen:
        command = [sys.executable, "-c", HOLD]
        with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE) as job:
            assert job.stdout and job.stdout.readline()
            while "Make" not in seen.anonymous or seen.anonymous["Make"] < 90 << 20:
                pass
            job.kill()
    assert list(seen.anonymous) == ["Make"] and seen.runner > 20 << 20


def test_what_a_run_took_is_noted_but_not_what_came_from_the_cache(tmp_path: Path) -> None:
    execute = runner(tmp_path)
    definition = toy.definition(toy.make(), toy.train())
    assert execute(definition).status == "Succeeded"
    known: dict[str, scale.Step] = {"Make": {"cpu_seconds": 99.0}}
    total = scale._note(known, tmp_path / "runs/run", {"Train": 7})
    assert known["Make"]["cpu_seconds"] + known["Train"]["cpu_seconds"] == pytest.approx(total)
    assert known["Train"]["anonymous_bytes"] == 7 and known["Train"]["peak_bytes"] > 0
    kept = dict(known)
    execute(definition)  # from the cache: nothing is measured
    assert scale._note(known, tmp_path / "runs/run", {}) == 0 and known == kept


def test_what_is_measured_is_not_measured_again_and_ratios_are_of_one_size_to_the_next(
    tmp_path: Path,
) -> None:
    for rows, seconds in ((10, 2.0), (100, 21.0)):
        took = {
            "Screen": {"cpu_seconds": seconds, "peak_bytes": rows << 20},
            scale.RUNNER: {"cpu_seconds": 1.0},
        }
        took[scale.RUNNER]["peak_bytes"] = 1 << 20
        (tmp_path / f"rows-{rows}.json").write_text(json.dumps(took))
    found = scale.measure([10, 100], tmp_path)
    assert found["ratios"] == {"100": {"Screen": 10.5, scale.RUNNER: 1.0}}
    assert "| Screen | 2.0 | 10 | 21.0 | 100 | 10.5 |" in scale.table(found)
