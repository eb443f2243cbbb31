"""The tables of the documents are what the results say."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench import page
from bench.contest import Contender, Row, Task, times_ours
from bench.harness import Options, measure
from bench.results import RESULTS, save
from bench.rows import ROWS


def test_the_pages_are_rendered_from_the_results() -> None:
    for path, text in page.pages().items():
        assert path.read_text() == text, "run python -m bench render"


def test_a_result_is_of_a_row_or_a_campaign_that_there_is() -> None:
    known = {
        *ROWS,
        *page.CAMPAIGNS,
        *page.MATRICES,
        *page.TABLES,
        *page.SCREENS,
        *page.REPAIRS,
        page.CERTIFIED.name,
        *page.PARTS,
    }
    known |= {page.SVM_SCREENS.name, page.COMBINATION.name, page.CERTIFIED.name, page.INSPECTED.name}
    for path in RESULTS.glob("*.json"):
        assert json.loads(path.read_text())["name"] == path.stem and path.stem in known, path


def test_every_table_of_the_two_pages_lies_between_marks() -> None:
    """Or is rendered whole: a number in a table that no result holds would stay for ever."""
    text = page.CAMPAIGN_RESULTS.read_text()
    for part in (
        text.split("<!-- bench: ")[0],
        *(part.partition("<!-- /bench -->")[2] for part in text.split("<!-- bench: ")[1:]),
    ):
        assert not [line for line in part.splitlines() if line.startswith("|")], part


def test_a_number_and_a_missed_goal_stand_on_the_page(tmp_path: Path) -> None:
    def facts(seconds: float) -> Callable[[Any], dict[str, Any]]:
        return lambda _: {"cpu_s": seconds, "memory_mb": None, "rows": 5}

    toys = [
        Contender(name, f"{name}(\n)", lambda setting, s=s: Task(lambda: None, facts(s)))
        for name, s in (("ours", 2.0), ("ART", 9.0))
    ]
    goals = times_ours("ART", 4), times_ours("ART", 8)
    row = Row(name="pattern", operation="a toy", contenders=tuple(toys), goals=goals, runs=1, warm=False)
    save(measure(row, Options(inline=True)), tmp_path)
    text = page.benchmarks(tmp_path)
    head = "| [pattern](#pattern) | CPU-seconds of ART over ours |"
    assert f"{head} at least 4 times | 4.5 times | reached |" in text
    assert f"{head} at least 8 times | 4.5 times | **missed** |" in text
    assert "| ART | 9 |" in text and "| rows 5 |" in text and "```python\nART(\n)\n```" in text
    file = tmp_path / "pattern.json"
    file.write_text(file.read_text().replace("4.5", "7.5"))
    assert "7.5 times | reached" in page.benchmarks(tmp_path)


def test_what_was_not_measured_is_named(tmp_path: Path) -> None:
    text = page.benchmarks(tmp_path)
    assert all(f"`{name}`" in text.partition("Not measured yet:")[2] for name in ROWS)
