"""The report in a real Chromium: nothing asked from outside, no error, no sideways scrolling, both themes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from helpers.chromium import Page, browser_page, find_chromium
from helpers.report_fixture import build_run
from helpers.report_pages import commit_again, metrics_file
from helpers.scenes import CLASSES, Scene
from PIL import Image

from pipelines.report import write_report

pytestmark = pytest.mark.skipif(
    find_chromium() is None, reason="Chromium is not installed: apt install chromium"
)

LONG = "a-class-name-that-goes-on-and-on-without-a-single-place-to-break-it"
SCENES = {
    "stopped": Scene(),
    "rejected": Scene(hardened_asr=0.4, hardened_accuracy=0.8),
    "clean": Scene(attacked=False),
    "failed": Scene(stop="TrainVictim"),
    "many": Scene(classes=tuple(f"class-{k}" for k in range(16))),
    "hostile": Scene(
        classes=("<script>alert(1)</script>", LONG, '"><img src=x onerror=alert(2)>', *CLASSES[3:])
    ),
}


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with browser_page(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("runs")
    return {name: write_report(build_run(folder / name, scene)) for name, scene in SCENES.items()}


@pytest.mark.parametrize("name", SCENES)
@pytest.mark.parametrize("width", [360, 1280])
def test_no_complaint_no_request_no_overflow(
    page: Page, reports: dict[str, Path], name: str, width: int
) -> None:
    page.open(reports[name], width=width)
    page.evaluate("document.querySelectorAll('details').forEach(fold => { fold.open = true })")
    assert page.complaints() == []
    assert page.requests() == [reports[name].as_uri()]
    assert page.evaluate("document.scrollingElement.scrollWidth") <= width
    assert page.evaluate("[...document.images].every(image => image.complete && image.naturalWidth > 0)")


def test_policy_stops_what_would_be_slipped_in(page: Page, reports: dict[str, Path]) -> None:
    page.open(reports["stopped"])
    page.evaluate("document.body.append(Object.assign(new Image(), {src: 'http://127.0.0.1:9/x.png'}))")
    page.evaluate("new Promise(done => setTimeout(done, 200))")
    assert any("Content Security Policy" in complaint for complaint in page.complaints())


def background(page: Page) -> str:
    color: str = page.evaluate("getComputedStyle(document.body).backgroundColor")
    return color


def test_dark_theme_follows_the_system_and_the_button(page: Page, reports: dict[str, Path]) -> None:
    page.open(reports["stopped"])
    light = background(page)
    page.open(reports["stopped"], dark=True)
    dark = background(page)
    assert light == "rgb(246, 247, 249)"
    assert dark == "rgb(15, 20, 26)"
    page.evaluate("document.getElementById('theme').click()")
    assert background(page) == light
    assert page.evaluate("document.getElementById('theme').textContent") == "Dark"
    page.evaluate("document.getElementById('theme').click()")
    assert background(page) == dark
    page.evaluate("localStorage.clear()")


def test_page_is_whole_without_scripts(page: Page, reports: dict[str, Path]) -> None:
    page.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        page.open(reports["stopped"])
        assert page.evaluate("document.getElementById('theme').hidden")
        assert page.evaluate("document.querySelectorAll('.model').length") == 3
        assert page.evaluate("document.querySelectorAll('svg.chart').length") == 7
    finally:
        page.call("Emulation.setScriptExecutionDisabled", value=False)


def test_the_lineage_is_legible_where_it_fits_and_scrolls_where_it_does_not(
    page: Page, reports: dict[str, Path]
) -> None:
    size = "parseFloat(getComputedStyle(document.querySelector('.lineage .what')).fontSize)"
    drawn = "document.querySelector('svg.lineage').getBoundingClientRect().width"
    units = "document.querySelector('svg.lineage').viewBox.baseVal.width"
    for width in (360, 1200):
        page.open(reports["stopped"], width=width)
        assert page.evaluate(f"{size} * {drawn} / {units}") >= 9, "letters of nine pixels at the least"
        inside = (
            "[...document.querySelectorAll('.lineage .thing')].every(thing => {"
            "  const card = thing.querySelector('rect').getBoundingClientRect();"
            "  return [...thing.querySelectorAll('text')].every("
            "    text => text.getBoundingClientRect().right <= card.right)})"
        )
        assert page.evaluate(inside), "no name runs out of its card"


def test_dark_page_prints_dark_on_white(page: Page, reports: dict[str, Path]) -> None:
    page.open(reports["stopped"], dark=True)
    page.call("Emulation.setEmulatedMedia", media="print")
    try:
        assert background(page) == "rgb(255, 255, 255)"
        assert page.evaluate("getComputedStyle(document.body).color") == "rgb(22, 32, 44)"
        assert len(page.call("Page.printToPDF")["data"]) > 10_000
    finally:
        page.call("Emulation.setEmulatedMedia", media="")


CORNERS = """[...document.images].filter(image => !image.closest("details:not([open])")).map(image => {
  const style = getComputedStyle(image), box = image.getBoundingClientRect();
  return {radius: style.borderTopLeftRadius + style.borderBottomRightRadius, frame: style.outlineStyle,
          x: box.left + scrollX, y: box.top + scrollY, width: box.width, height: box.height};
})"""


def far(one: Sequence[int], other: Sequence[int]) -> bool:
    return max(abs(a - b) for a, b in zip(one, other, strict=True)) > 60


@pytest.mark.parametrize("dark", [False, True])
def test_a_picture_ends_where_it_ends_on_white_and_on_dark(page: Page, tmp_path: Path, dark: bool) -> None:
    folder = build_run(tmp_path / "white")
    for shade, file in enumerate(sorted((metrics_file(folder).parent / "arrays").glob("gallery-*.npy"))):
        np.save(file, np.full_like(np.load(file), 255 * (shade % 2)))  # all white or all black
    commit_again(folder)
    page.open(write_report(folder), width=1200, dark=dark)
    shown = page.evaluate(CORNERS)
    assert len(shown) > 40
    assert {(image["radius"], image["frame"]) for image in shown} == {("0px0px", "solid")}
    page.screenshot(tmp_path / "page.png", whole=True)
    pixels = np.asarray(Image.open(tmp_path / "page.png").convert("RGB"), int)
    inside = set()
    for image in shown:
        x, y = round(image["x"]), round(image["y"] + image["height"] / 2)
        beside, frame, within = pixels[y, x - 4], pixels[y, x - 1], pixels[y, x + 4]
        inside.add(int(within[0]))
        assert far(frame, beside) and far(frame, within), (beside, frame, within)
        corner = pixels[round(image["y"]) + 1, x + 1]
        assert corner.tolist() == within.tolist(), "the corner of the picture is there"
    assert inside == {0, 255}
