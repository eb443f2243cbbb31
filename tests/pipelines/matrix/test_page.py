"""The matrix page as it is read: whole without its script, whatever the campaign's texts are."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator

import pytest
from helpers import matrices
from helpers.report_pages import Parsed

from pipelines.matrix.document import Matrix
from pipelines.matrix.page import render
from pipelines.matrix.panels import panels
from pipelines.matrix.quantities import ASR, QUANTITIES

TEXTS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(2)>',
    "'&amp;",
    "]]>\u2028</script><b>",
    "n" * 200,
)


def page_of(matrix: Matrix) -> str:
    """The page as a browser reads it, whose parser knows that a browser closes what is void."""
    return render(matrix).replace('<input type="', '<img class="').replace("autocomplete", "")


@pytest.fixture(scope="module")
def page() -> str:
    return render(matrices.troubled())


def text_of(html: str) -> str:
    return re.sub(
        r"\s+", " ", re.sub(r"<[^>]+>", " ", re.sub(r"<(style|script).*?</\1>", "", html, flags=re.S))
    )


def cells(html: str) -> Iterator[str]:
    return (found[0] for found in re.finditer(r'<td class="cell.*?</td>', html, re.S))


def test_every_cell_is_in_the_table_in_the_order_of_the_matrix(page: str) -> None:
    matrix = matrices.troubled()
    shown = list(cells(page))
    assert len(shown) == len(matrix.rows) * len(matrix.columns)
    for cell, html in zip(matrix.cells, shown, strict=True):
        if ASR in cell.numbers:
            assert f">{cell.numbers[ASR].value * 100:.1f}%</b>" in html
        else:
            assert cell.status in text_of(html) and cell.why in text_of(html)


def test_a_data_set_spans_its_columns(page: str) -> None:
    assert re.findall(r'scope="colgroup" colspan="(\d+)"><span>([^<]+)', page) == [
        ("4", "Drawn"),
        ("4", "Fashion-mnist"),
    ]


def test_a_hatched_and_an_unreliable_cell_say_so_in_words_too(page: str) -> None:
    hatched = [html for html in cells(page) if 'class="cell hatched"' in html]
    assert len(hatched) == 8
    assert all("Hatched: the a" in text_of(html) for html in hatched)
    (unreliable,) = [html for html in cells(page) if "mark-unreliable" in html]
    assert "Unreliable: 12 pictures with the trigger are too few" in text_of(unreliable)


def test_a_cell_without_one_of_its_seeds_says_with_how_many_it_was_measured(page: str) -> None:
    assert sum("2 of 3 seeds" in text_of(html) for html in cells(page)) == 1
    assert "2 of 3 seeds : seed 2: Screen: the disk is full" in text_of(page.partition('id="remarks"')[2])


def test_remarks_name_each_cell_that_is_not_whole_and_why(page: str) -> None:
    said = text_of(page.partition('id="remarks"')[2].partition("</section>")[0])
    for why in (
        "failed : Harden: no class has 50 rows left",
        "refused : the entry has no trusted rows",
        "waiting",
    ):
        assert why in said
    assert 'id="remarks"' not in render(matrices.draw())


def test_every_quantity_can_be_switched_and_those_that_are_shown_are_on(page: str) -> None:
    boxes = re.findall(r'id="show-(\d+|threshold)"( checked)?', page)
    assert [bool(checked) for _, checked in boxes] == [*(each.shown for each in QUANTITIES), False]
    style = Parsed(page_of(matrices.troubled())).raw["style"]
    assert all(f"#show-{name}:checked" in style for name, _ in boxes)


def test_the_data_are_those_of_the_panels_and_cannot_end_their_element() -> None:
    matrix = matrices.hostile(*TEXTS)
    html = render(matrix)
    (data,) = re.findall(r'<script type="application/json" id="matrix-data">(.*?)</script>', html, re.S)
    assert json.loads(data) == json.loads(json.dumps(panels(matrix)))
    assert not set("<>&'\u2028") & set(data)


def test_hostile_texts_make_no_element() -> None:
    parsed, plain = (
        Parsed(page_of(matrices.hostile(*TEXTS))),
        Parsed(page_of(matrices.hostile("a", "b", "c", "d", "e"))),
    )
    assert [tag for tag, _ in parsed.elements] == [tag for tag, _ in plain.elements]
    assert "<script>alert(1)</script>" in "".join(parsed.text)
    assert not [a for _, a in parsed.elements if "onerror" in a or "style" in a]


def test_the_policy_names_the_one_script_that_runs(page: str) -> None:
    parsed = Parsed(page_of(matrices.troubled()))
    scripts = [a for tag, a in parsed.elements if tag == "script"]
    assert scripts == [{"type": "application/json", "id": "matrix-data"}, {}]
    digest = base64.b64encode(hashlib.sha256(parsed.raw["script"].encode()).digest()).decode()
    assert f"script-src &#39;sha256-{digest}" in page or f"script-src 'sha256-{digest}'" in page
    assert "innerHTML" not in parsed.raw["script"]


def test_no_path_of_the_machine_is_shown() -> None:
    html = render(matrices.hostile("see /home/ann/runs/x"))
    assert html.count("see …/x") > 40
    links = re.findall(r".{26}/home/ann", html)
    assert set(links) == {'report":"javascript%3Asee%20/home/ann'[-35:]}, "only where a report lies"
