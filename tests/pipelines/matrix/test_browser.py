"""The matrix page in a real Chromium: sorted, filtered, read by keyboard and on a phone, and at once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers import matrices
from helpers.chromium import Page, browser_page, find_chromium

from pipelines.matrix.page import render

pytestmark = pytest.mark.skipif(
    find_chromium() is None, reason="Chromium is not installed: apt install chromium"
)

TEXTS = ("<script>alert(1)</script>", '"><img src=x onerror=alert(2)>', "n" * 200)
MATRICES = {
    "troubled": matrices.troubled,
    "large": matrices.large,
    "hostile": lambda: matrices.hostile(*TEXTS),
}
KEYS = {
    "ArrowUp": 38,
    "ArrowDown": 40,
    "ArrowLeft": 37,
    "ArrowRight": 39,
    "Enter": 13,
    "Escape": 27,
    "Tab": 9,
}
NAMES, HEADS = (
    f"[...document.querySelectorAll('{which}')].map(name => name.firstChild.textContent.trim())"
    for which in ("#grid tbody tr:not([hidden]) .name", ".attacks th:not([hidden]) .turn")
)
FOCUSED = "[document.activeElement.cellIndex, document.activeElement.parentElement.rowIndex]"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with browser_page(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    for name, matrix in MATRICES.items():
        (folder / f"{name}.html").write_text(render(matrix()))
    return {name: folder / f"{name}.html" for name in MATRICES}


@pytest.fixture
def shown(page: Page, pages: dict[str, Path]) -> Page:
    """The page of two data sets and a cell of each trouble, just opened."""
    page.open(pages["troubled"])
    return page


def press(page: Page, *keys: str) -> None:
    for key in keys:
        stroke: dict[str, Any] = {"key": key, "code": key, "windowsVirtualKeyCode": KEYS[key]}
        text = {"text": "\r"} if key == "Enter" else {}
        page.call("Input.dispatchKeyEvent", type="keyDown" if text else "rawKeyDown", **stroke, **text)
        page.call("Input.dispatchKeyEvent", type="keyUp", **stroke)


def tell(page: Page, field: str, value: str) -> None:
    """Put a value into a field of the tools, as a person does."""
    page.evaluate(
        f"(() => {{ const field = document.getElementById('{field}'); field.value = '{value}';"
        " field.dispatchEvent(new Event('input', { bubbles: true })); })()"
    )


def keep(page: Page, name: str) -> None:
    """Keep a picture where BOOMERANG_ARTIFACTS says."""
    if folder := os.environ.get("BOOMERANG_ARTIFACTS"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(Path(folder) / f"{name}.png")


def kept_whole(page: Page, file: Path, name: str, width: int, dark: bool) -> None:
    """Keep a picture of the whole page, and one with a panel."""
    theme = "dark" if dark else "light"
    page.evaluate("document.querySelectorAll('td.cell')[25].click()")
    keep(page, f"{name}-panel-{width}-{theme}")
    page.open(file, width=width, height=page.evaluate("document.documentElement.scrollHeight"), dark=dark)
    keep(page, f"{name}-{width}-{theme}")


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("name", [pytest.param("large", marks=pytest.mark.whole), "troubled", "hostile"])
def test_no_complaint_no_request_no_overflow(
    page: Page, pages: dict[str, Path], name: str, width: int, dark: bool
) -> None:
    page.open(pages[name], width=width, dark=dark)
    page.evaluate("document.querySelectorAll('details').forEach(fold => { fold.open = true })")
    page.evaluate("document.querySelectorAll('.chip input:not(:checked)').forEach(box => box.click())")
    assert page.evaluate("document.scrollingElement.scrollWidth") <= width
    page.evaluate("document.querySelectorAll('td.cell')[9].click()")
    assert page.evaluate("document.getElementById('panel').scrollWidth") <= width
    assert page.evaluate("[...document.images].every(image => image.complete && image.naturalWidth > 0)")
    assert page.complaints() == []
    assert page.requests() == [pages[name].as_uri()]
    if name == "troubled":
        page.open(pages[name], width=width, dark=dark)
        kept_whole(page, pages[name], "matrix", width, dark)


def test_hostile_texts_are_shown_and_do_nothing(page: Page, pages: dict[str, Path]) -> None:
    page.open(pages["hostile"])
    page.evaluate("document.querySelector('#grid tbody tr:last-child td:last-child').click()")
    said = page.evaluate("document.getElementById('panel').innerText")
    assert all(text in said for text in TEXTS)
    assert page.evaluate("document.scripts.length") == 2
    assert page.evaluate("[...document.images].map(image => image.src.slice(0, 15))") == ["data:image/png;"]
    assert page.evaluate("document.querySelector('.run a').href").startswith("file:///")
    assert page.complaints() == []


def test_rows_are_sorted_by_a_column_best_first_then_worst_then_as_listed(shown: Page) -> None:
    matrix = matrices.troubled()
    listed = [row.title for row in matrix.rows]
    controls, defenses = listed[:3], [row for row in matrix.rows if not row.control]
    column = matrix.columns[5].id
    rising = sorted(defenses, key=lambda row: matrix.cell(row.id, column).numbers["asr"].value)
    best = [row.title for row in rising]
    press_head = "document.querySelectorAll('button.turn')[5].click()"
    assert best not in (listed[3:], best[::-1])
    for expected, direction in (
        (controls + best, "ascending"),
        (controls + best[::-1], "descending"),
        (listed, "none"),
    ):
        shown.evaluate(press_head)
        assert shown.evaluate(NAMES) == expected
        assert shown.evaluate("document.querySelectorAll('.attacks th')[6].ariaSort") == direction
    assert shown.complaints() == []


def test_a_quantity_of_which_more_is_better_is_sorted_the_other_way(shown: Page) -> None:
    matrix = matrices.troubled()
    tell(shown, "sort-quantity", "1")
    tell(shown, "sort-column", "1")
    rows = sorted(
        matrix.rows[3:], key=lambda row: -matrix.cell(row.id, matrix.columns[1].id).numbers["accuracy"].value
    )
    assert shown.evaluate(NAMES)[3:] == [row.title for row in rows]
    assert "sorted by clean accuracy in BadNets, 1%, Drawn, best first" in shown.evaluate(
        "document.getElementById('said').textContent"
    )


def test_what_has_no_value_is_last_whichever_way_it_is_sorted(shown: Page) -> None:
    last = ["deep k-NN", "fine-pruning"]  # one is waiting there, and one has failed
    for _ in range(2):
        shown.evaluate("document.querySelectorAll('button.turn')[7].click()")
        assert shown.evaluate(NAMES)[-2:] == last


def test_controls_are_sorted_with_the_rest_where_they_need_not_stay(shown: Page) -> None:
    shown.evaluate("document.getElementById('stay').click()")
    shown.evaluate("document.querySelectorAll('button.turn')[5].click()")
    matrix = matrices.troubled()
    rows = sorted(matrix.rows, key=lambda row: matrix.cell(row.id, matrix.columns[5].id).numbers["asr"].value)
    assert shown.evaluate(NAMES) == [row.title for row in rows]


def test_rows_and_columns_are_filtered(shown: Page) -> None:
    tell(shown, "find-rows", "SPECTRAL")
    controls = ["nothing", "a random filter", "a perfect filter"]
    assert shown.evaluate(NAMES) == [*controls, "spectral signatures", "combination"], "its words name it"
    tell(shown, "data", "Fashion-mnist")
    tell(shown, "attack", "blended")
    assert shown.evaluate(HEADS) == ["nobody attacks", "blended, 1%"]
    assert shown.evaluate("[...document.querySelectorAll('.data th:not([hidden])')].map(h => h.colSpan)") == [
        2
    ]
    assert "5 of 8 rows, 2 of 8 columns" in shown.evaluate("document.getElementById('said').textContent")
    assert (
        shown.evaluate("[...document.querySelectorAll('td.cell')].filter(c => c.checkVisibility()).length")
        == 10
    )
    shown.evaluate("document.getElementById('stay').click()")
    assert shown.evaluate(NAMES) == ["spectral signatures", "combination"]
    shown.evaluate("document.getElementById('reset').click()")
    assert len(shown.evaluate(NAMES)) == len(shown.evaluate(HEADS)) == 8
    tell(shown, "find-columns", "label")
    assert shown.evaluate(HEADS) == ["nobody attacks", "label flip, 5%"] * 2


def test_a_quantity_is_switched_on_and_off_in_every_cell(shown: Page) -> None:
    count = "[...document.querySelectorAll('#grid td .k-{}')].filter(k => k.checkVisibility()).length"
    measured = 60
    for number, before in ((1, measured), (5, 0)):
        assert shown.evaluate(count.format(number)) == before
        shown.evaluate(f"document.getElementById('show-{number}').click()")
        assert shown.evaluate(count.format(number)) == measured - before


def test_what_a_number_is_stands_beside_it(page: Page, pages: dict[str, Path]) -> None:
    apart = """[...document.querySelectorAll('#grid tbody tr')].flatMap(line =>
      [...line.querySelectorAll('.labels .k')].filter(label => label.checkVisibility()).flatMap(label =>
        [...line.querySelectorAll(`td .${label.classList[1]}:not(.k-0)`)].map(number =>
          Math.abs(number.getBoundingClientRect().top - label.getBoundingClientRect().top))))"""
    for width in (390, 1280):
        page.open(pages["troubled"], width=width)
        for _ in range(2):  # with and without the tile's own number
            found = page.evaluate(apart)
            assert len(found) == 4 * 60
            assert max(found) < 1, f"{width}: {sorted(set(found))}"
            page.evaluate("document.getElementById('show-0').click()")


def test_the_keyboard_alone_opens_a_panel_and_comes_back(shown: Page) -> None:
    shown.evaluate("document.getElementById('stay').focus()")
    press(shown, "Tab")
    assert shown.evaluate(FOCUSED) == [1, 2], "one stop for the whole table"
    press(shown, "ArrowDown", "ArrowDown", "ArrowRight", "ArrowRight", "ArrowLeft")
    assert shown.evaluate(FOCUSED) == [2, 4]
    press(shown, "Enter")
    assert shown.evaluate("document.getElementById('panel').open")
    assert shown.evaluate("document.getElementById('panel').contains(document.activeElement)")
    assert (
        shown.evaluate("document.getElementById('panel-title').textContent")
        == "a perfect filter against BadNets, 1%"
    )
    press(shown, "Escape")
    assert not shown.evaluate("document.getElementById('panel').open")
    assert shown.evaluate(FOCUSED) == [2, 4]
    press(shown, "ArrowUp", "ArrowUp", "ArrowUp", "Enter")
    assert shown.evaluate("document.querySelectorAll('.attacks th')[2].ariaSort") == "ascending"


def test_a_cell_that_is_reached_is_not_below_what_stays_in_sight(page: Page, pages: dict[str, Path]) -> None:
    for width in (390, 1280):
        page.open(pages["large"], width=width)
        page.evaluate("document.querySelector('td.cell').focus()")
        press(page, *["ArrowRight"] * 9, *["ArrowDown"] * 12, *["ArrowLeft"] * 6, *["ArrowUp"] * 6)
        under = page.evaluate("""(() => {
          const cell = document.activeElement.getBoundingClientRect();
          const head = document.querySelector('thead').getBoundingClientRect();
          const first = document.querySelector('tbody th').getBoundingClientRect();
          return [cell.top - head.bottom, cell.left - first.right]; })()""")
        assert min(under) > -2, f"{width}: {under}"


def test_the_panel_says_all_of_a_cell(shown: Page) -> None:
    matrix = matrices.troubled()
    cell = matrix.cell("d0", matrix.columns[6].id)
    shown.evaluate("document.querySelectorAll('#grid tbody tr')[3].cells[7].click()")
    said = shown.evaluate("document.getElementById('panel').innerText")
    asr = cell.numbers["asr"]
    assert f"{asr.value * 100:.1f}%" in said and f"{asr.low * 100:.1f}–{asr.high * 100:.1f}%" in said  # type: ignore[operator]
    assert f"{asr.successes} of {asr.total}" in said
    assert f"{asr.least * 100:.1f}…{asr.most * 100:.1f}%" in said
    assert asr.difference is not None
    assert f"Against the undefended model −{-asr.difference.value * 100:.1f} points" in said
    assert "Hatched: the accuracy fell by 7.2 points" in said
    assert cell.threshold in said
    for run in cell.runs:
        assert f"Seed {run.seed}" in said and run.run in said and run.command in said
    folds = shown.evaluate("[...document.querySelectorAll('#panel .digests')].map(d => d.textContent)")
    assert [
        all(digest in fold for digest in run.digests.values())
        for run, fold in zip(cell.runs, folds, strict=True)
    ]
    links = shown.evaluate("[...document.querySelectorAll('#panel .run a')].map(a => a.getAttribute('href'))")
    assert links == [run.report for run in cell.runs]
    assert shown.evaluate("document.querySelectorAll('#panel .shots img').length") == 6


def test_a_failed_run_says_why_beside_those_that_went_through(shown: Page) -> None:
    shown.evaluate("document.querySelectorAll('#grid tbody tr')[4].cells[7].click()")
    said = shown.evaluate("document.getElementById('panel').innerText")
    assert "Not with every seed: seed 2: Screen: the disk is full" in said
    assert "✕ failed\n" in said and said.count("rejected by the gate") == 2


def test_the_page_is_whole_without_scripts(page: Page, pages: dict[str, Path]) -> None:
    page.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        page.open(pages["troubled"])
        assert page.evaluate("document.querySelectorAll('#grid td.cell').length") == 64
        assert page.evaluate("document.querySelector('#grid .lead').checkVisibility()")
        assert not page.evaluate("document.getElementById('turns').checkVisibility()")
        buttons = "[...document.querySelectorAll('button')].filter(button => button.checkVisibility()).length"
        assert page.evaluate(buttons) == 0
        page.evaluate("document.getElementById('show-5').click()")
        assert page.evaluate("document.querySelector('#grid td .k-5').checkVisibility()")
    finally:
        page.call("Emulation.setScriptExecutionDisabled", value=False)


def test_on_paper_is_the_whole_table_and_no_controls(page: Page, pages: dict[str, Path]) -> None:
    page.open(pages["troubled"], dark=True)
    page.call("Emulation.setEmulatedMedia", media="print")
    try:
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        hidden = "['.tools', '#panel', '.bar'].some(part => document.querySelector(part).checkVisibility())"
        assert not page.evaluate(hidden)
        assert page.evaluate("document.getElementById('box').scrollHeight") == page.evaluate(
            "document.getElementById('box').clientHeight"
        )
        assert page.evaluate("document.querySelector('#remarks table').checkVisibility()")
        assert len(page.call("Page.printToPDF")["data"]) > 10_000
    finally:
        page.call("Emulation.setEmulatedMedia", media="")


def test_the_names_stay_in_sight_while_the_table_scrolls(page: Page, pages: dict[str, Path]) -> None:
    page.open(pages["large"], width=390, height=844)
    page.evaluate("document.getElementById('box').scrollTo(400, 900)")
    inside = page.evaluate("""(() => {
      const box = document.getElementById('box').getBoundingClientRect();
      const head = document.querySelector('.attacks').getBoundingClientRect();
      const name = document.querySelectorAll('tbody th')[8].getBoundingClientRect();
      return [head.top - box.top, name.left - box.left]; })()""")
    assert all(abs(way) <= 2 for way in inside)


@pytest.mark.whole
def test_thirty_by_twelve_are_there_in_under_a_second(page: Page, pages: dict[str, Path]) -> None:
    """Until it is loaded, and its script has run; then until it is sorted and painted anew.

    Each from its start, by the browser's own clock, as the fastest of five: other tests have the cores too.
    """
    opened, turned = [], []
    for _ in range(5):
        page.open(pages["hostile"])
        page.open(pages["large"])
        took = page.evaluate("""new Promise(done => {
          const loaded = performance.getEntriesByType("navigation")[0].loadEventEnd;
          const began = performance.now();
          document.querySelectorAll("button.turn")[3].click();
          requestAnimationFrame(() => requestAnimationFrame(() => done([loaded, performance.now() - began])));
        })""")
        opened.append(took[0])
        turned.append(took[1])
        assert page.evaluate("document.querySelectorAll('.attacks th')[4].ariaSort") == "ascending"
    assert page.evaluate("document.querySelectorAll('td.cell').length") == 360
    print(f"opened in {min(opened):.0f} ms, sorted and painted in {min(turned):.0f} ms")
    assert min(opened) < 1000, opened
    assert min(turned) < 1000, turned
