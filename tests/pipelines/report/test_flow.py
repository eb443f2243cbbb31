"""The lineage is drawn whole, and no line of it crosses a card."""

from __future__ import annotations

import re
from pathlib import Path

from helpers.report_fixture import build_run
from helpers.report_pages import Parsed, page_of, report_of
from helpers.scenes import Scene

from pipelines.report import write_report


def drawn(page: str) -> str:
    found = re.search(r'<svg class="lineage".*?</svg>', page, re.DOTALL)
    assert found
    return found[0]


def test_lineage_leads_from_the_pictures_to_the_package(stopped: Path) -> None:
    things = {thing["id"]: thing for thing in report_of(stopped)["lineage"]["things"]}
    led, todo = set(), ["package"]
    while todo:
        name = todo.pop()
        led.add(name)
        maker = things[name]["made_by"]
        todo += [each for each in things if maker in things[each]["read_by"] and each not in led]
    assert led == things.keys()
    assert [name for name in things if things[name]["made_by"] is None] == ["pictures", "recipe"]
    assert list(things)[-1] == "package"


def test_every_thing_is_drawn_with_its_name_its_digest_and_its_seal(stopped: Path) -> None:
    lineage, picture = report_of(stopped)["lineage"], drawn(page_of(stopped))
    for thing in lineage["things"]:
        assert f'class="what">{thing["title"]}</text>' in picture
        assert f"{thing['kind']} {thing['digest'][:8]}</text>" in picture
        assert thing["digest"] in page_of(stopped), "the table has all of it"
    assert picture.count('class="seal"') == lineage["signed"] == 8
    assert picture.count("outside") == 2
    assert picture.count('class="read"') == sum(len(thing["read_by"]) for thing in lineage["things"])
    for step in lineage["steps"]:
        assert picture.count(f'class="step">{step}</text>') == 2, "above and below"


def test_no_seal_where_nothing_was_signed(tmp_path: Path) -> None:
    page = write_report(build_run(tmp_path / "run", Scene(signed=False))).read_text(encoding="utf-8")
    assert 'class="seal"' not in page and "</svg>signed</li>" not in page


def test_no_line_crosses_a_card(stopped: Path) -> None:
    """A row holds one card, so no way of another thing meets it; and the steps' bars stand between cards."""
    picture = drawn(page_of(stopped))
    cards = re.findall(r'<rect x="([\d.]+)" y="([\d.]+)" width="112" height="34"', picture)
    assert len(cards) == len({y for _, y in cards}) == len(report_of(stopped)["lineage"]["things"])
    bars = [float(x) for x in re.findall(r'<line x1="([\d.]+)" [^>]*class="span"', picture)]
    assert len(bars) == len(report_of(stopped)["lineage"]["steps"])
    assert not [(x, bar) for x, _ in cards for bar in bars if float(x) <= bar <= float(x) + 112]


def test_a_run_without_a_package_has_no_lineage(tmp_path: Path) -> None:
    folder = build_run(tmp_path / "run", Scene(stop="Screen"))
    assert 'class="lineage"' not in write_report(folder).read_text(encoding="utf-8")
    assert report_of(folder)["lineage"] is None


def test_a_foreign_name_in_the_lineage_stays_text(tmp_path: Path) -> None:
    folder = build_run(tmp_path / "run", Scene(title="<script>alert(5)</script>"))
    page = Parsed(write_report(folder).read_text(encoding="utf-8"))
    assert page.count("script") == 1
