"""The page of a comparison in a real Chromium: no error, no request, no sideways scrolling, both themes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.chromium import Page, browser_page, find_chromium
from helpers.drawn_matrix import two_campaigns
from helpers.report_fixture import build_run
from helpers.scenes import CLASSES, Scene

from pipelines.comparison import compare
from pipelines.comparison.render import render

pytestmark = pytest.mark.skipif(
    find_chromium() is None, reason="Chromium is not installed: apt install chromium"
)

LONG = "a-class-name-that-goes-on-and-on-without-a-single-place-to-break-it"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with browser_page(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("runs")
    build_run(folder / "first", Scene(hardened_asr=0.4, more=2))
    build_run(folder / "second", Scene(classes=(*CLASSES[:2], LONG, *CLASSES[3:])))
    build_run(folder / "stopped", Scene(stop="TrainVictim"))
    pairs = {
        "runs": (folder / "first", folder / "second"),
        "stopped": (folder / "first", folder / "stopped"),
        "campaigns": two_campaigns(folder, title=LONG),
    }
    found = {}
    for name, pair in pairs.items():
        found[name] = folder / f"{name}.html"
        found[name].write_text(render(compare(*pair)), encoding="utf-8")
    return found


@pytest.mark.parametrize("name", ["runs", "stopped", "campaigns"])
@pytest.mark.parametrize(("width", "dark"), [(390, True), (1280, False)])
def test_no_complaint_no_request_no_overflow_and_a_picture_of_it(
    page: Page, files: dict[str, Path], tmp_path: Path, name: str, width: int, dark: bool
) -> None:
    page.open(files[name], width=width, dark=dark)
    page.evaluate("document.querySelectorAll('details').forEach(fold => { fold.open = true })")
    assert page.complaints() == []
    assert page.requests() == [files[name].as_uri()]
    assert page.evaluate("document.scrollingElement.scrollWidth") <= width
    background = "rgb(15, 20, 26)" if dark else "rgb(246, 247, 249)"
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == background
    page.screenshot(tmp_path / "page.png", whole=True)
    assert (tmp_path / "page.png").stat().st_size > 10_000


def test_on_a_phone_every_number_is_seen_without_scrolling_sideways(
    page: Page, files: dict[str, Path]
) -> None:
    page.open(files["runs"], width=390)
    inside = "[...document.querySelectorAll('.numbers td')].map(cell => cell.getBoundingClientRect().right)"
    ends = page.evaluate(inside)
    assert len(ends) > 50 and max(ends) <= 390
    broken = (
        "[...document.querySelectorAll('.numbers td')].filter(cell => cell.scrollWidth > cell.clientWidth)"
    )
    assert page.evaluate(f"{broken}.map(cell => cell.textContent)") == []
