"""What ten times the rows cost, as goals and as a part of the page."""

from __future__ import annotations

import json
from pathlib import Path

from bench import page
from bench.staged.growth import GROWTH


def found(ratio: float, peak_mb: float) -> str:
    small = {"cpu_seconds": 2.0, "seconds": 2.0, "peak_bytes": 300e6, "anonymous_bytes": 1e8}
    large = {"cpu_seconds": 2.0 * ratio, "seconds": 9.0, "peak_bytes": peak_mb * 1e6, "anonymous_bytes": 2e8}
    steps = {"100": {"Poison": small, "Screen": small}, "1000": {"Poison": small, "Screen": large}}
    told = {"command": "python -m bench scale", "rows": [100, 1000], "steps": steps}
    return json.dumps(told | {"ratios": {"1000": {"Poison": 1.0, "Screen": ratio}}})


def test_the_worst_step_decides(tmp_path: Path) -> None:
    (tmp_path / "scale.json").write_text(found(10.0, 2500))
    times, memory = GROWTH.goals(tmp_path)
    assert (times.number, times.reached) == (10.0, True) and times.words.endswith("Screen")
    assert (memory.number, memory.reached) == (2500, False)
    (tmp_path / "scale.json").write_text(found(11.0, 900))
    assert [goal.reached for goal in GROWTH.goals(tmp_path)] == [False, True]


def test_it_stands_on_the_page(tmp_path: Path) -> None:
    assert "`scale`" in page.benchmarks(tmp_path).partition("Not measured yet")[2]
    (tmp_path / "scale.json").write_text(found(10.0, 900))
    text = page.benchmarks(tmp_path)
    assert "| [scale](#scale) |" in text and "\n## scale\n" in text and "| Screen | " in text
