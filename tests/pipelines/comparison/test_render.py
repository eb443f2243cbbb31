"""The page of a comparison: all of the numbers, nothing that a run could slip in, no path of this machine."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from helpers.drawn_matrix import CLEAN, campaign, cell, two_campaigns
from helpers.report_fixture import build_run
from helpers.report_pages import Parsed
from helpers.scenes import CLASSES, Scene

from pipelines.comparison import compare
from pipelines.comparison.gaps import Gap, Line, Value, say_gap, say_reach
from pipelines.comparison.render import bar, farthest, render
from pipelines.comparison.two_runs import TwoRuns
from pipelines.matrix.document import Row

HOSTILE = ("<script>alert(1)</script>", '"><img src=x onerror=alert(2)>', "a\u202eb", *CLASSES[3:])


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("pages")
    build_run(folder / "plain", Scene(hardened_asr=0.4, config={"seed": 5}))
    build_run(folder / "hostile", Scene(classes=HOSTILE, notices=True))
    build_run(folder / "stopped", Scene(stop="TrainVictim"))
    campaigns = two_campaigns(folder, title=HOSTILE[0])
    pairs = {
        "runs": (folder / "plain", folder / "hostile"),
        "stopped": (folder / "plain", folder / "stopped"),
        "campaigns": campaigns,
    }
    return {name: render(compare(*pair)) for name, pair in pairs.items()}


def words(page: str) -> str:
    return " ".join(" ".join(Parsed(page).text).split())


def test_every_number_is_on_the_page_with_its_difference(tmp_path: Path) -> None:
    found = compare(build_run(tmp_path / "one", Scene(hardened_asr=0.4)), build_run(tmp_path / "two"))
    assert isinstance(found, TwoRuns)
    page = words(render(found))
    assert len(found.lines) == 17
    for line in found.lines:
        assert line.title in page
        assert say_gap(line.gap, line.unit) in page and say_reach(line.gap, line.unit) in page
    assert "The gate passes two and rejects one." in page


def test_a_run_that_stopped_has_settings_and_data_and_no_numbers(pages: dict[str, str]) -> None:
    page = Parsed(pages["stopped"])
    names = {attributes["id"] for _, attributes in page.elements if "id" in attributes}
    assert {"settings", "data", "code"} <= names and "numbers" not in names
    assert "stopped stopped at TrainVictim" in words(pages["stopped"])


def test_a_campaign_s_cells_are_on_the_page_and_how_they_ended(pages: dict[str, str]) -> None:
    page = words(pages["campaigns"])
    assert "cyan square, 1%" in page and "whole → failed: Harden: out of memory" in page
    assert "−35.0 points" in page and "1 number told apart" in page
    assert "Only in" in page and "random filter" in page


@pytest.mark.parametrize(("rows", "opened"), [(2, 2), (40, 0)])
def test_cells_that_differ_are_open_where_they_are_few(tmp_path: Path, rows: int, opened: int) -> None:
    named = tuple(Row(id=f"r{k}", title=f"r{k}") for k in range(rows))
    folders = [
        campaign(tmp_path / name, named, tuple(cell(row, CLEAN, asr, 1800) for row in named))
        for name, asr in (("before", 1500), ("after", 100))
    ]
    page = Parsed(render(compare(*folders)))
    folds = [attributes for tag, attributes in page.elements if tag == "details"]
    assert sum("open" in attributes for attributes in folds) == opened
    assert page.count("table") >= rows


@pytest.mark.parametrize("name", ["runs", "campaigns"])
def test_foreign_names_stay_text(pages: dict[str, str], name: str) -> None:
    page = Parsed(pages[name])
    assert page.count("script") == 1 and page.count("img") == 0
    for tag, attributes in page.elements:
        assert not any(each.startswith("on") for each in attributes), tag
        assert "style" not in attributes, f"{tag}: the content security policy forbids it"
    assert HOSTILE[0] in "".join(page.text), "the name is still shown, as text"
    assert "\u202e" not in pages[name]


@pytest.mark.parametrize("name", ["runs", "stopped", "campaigns"])
def test_a_page_asks_for_nothing_and_names_no_path_of_this_machine(pages: dict[str, str], name: str) -> None:
    page = Parsed(pages[name])
    for tag, attributes in page.elements:
        for key in ("src", "href", "action"):
            assert str(attributes.get(key, "#")).startswith(("#", "data:")), f"{tag} {key}"
    assert not re.search(r"url\(|@import", page.raw["style"])
    for path in ("/home/", "/tmp/", str(Path.home()) + "/", str(Path.cwd())):
        assert path not in pages[name]
    names = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(names) == len(set(names)) and page.count("h1") == 1
    assert {str(a["href"])[1:] for t, a in page.elements if t == "a"} <= set(names)


def test_a_setting_that_differs_in_its_folder_alone_is_said_to(tmp_path: Path) -> None:
    def pictures(place: str) -> Scene:
        listed = [{"name": "jets", "path": f"{place}/jets", "label": "airplane"}]
        return Scene(attacked=False, config={"pictures": listed})

    runs = [build_run(tmp_path / p, pictures(f"/srv/{p}")) for p in ("one", "two")]
    page = words(render(compare(*runs)))
    assert page.count("…/jets") == 2 and "in another folder" in page


def test_a_bar_lies_where_the_difference_does() -> None:
    drawn = str(bar(Gap(0.1, -0.05, 0.2), 0.2, "bad"))
    x = [float(value) for value in re.findall(r'(?:x1|x2|cx)="([\d.]+)"', drawn)]
    zero, _, low, high, at = x
    assert low < zero < at < high <= 120 and 'class="gap bad"' in drawn
    assert at - zero == pytest.approx((high - zero) / 2, abs=0.1)


def test_bars_reach_as_far_as_the_farthest_end_of_a_share() -> None:
    share = Line("ASR", "low", Value(0.5), Value(0.9), Gap(0.4, 0.3, 0.5))
    seconds = Line("CPU", "low", Value(5), Value(90), Gap(85), "s")
    assert farthest([share, seconds]) == 0.5
    assert farthest([]) > 0
