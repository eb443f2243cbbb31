"""What is written as SVG is escaped."""

from __future__ import annotations

import pytest
from markupsafe import Markup

from pipelines.page.svg import chart, element, marker


def test_text_and_attributes_are_escaped() -> None:
    drawn = element("text", "<b>", x=1.23456789, class_="tick end", aria_label='"a"')
    assert drawn == '<text x="1.2346" class="tick end" aria-label="&#34;a&#34;">&lt;b&gt;</text>'
    assert element("g", Markup("<path/>")) == "<g><path/></g>", "what is drawn already stays as it is"


def test_a_chart_says_its_title() -> None:
    drawn = chart(20, 10, "a < b", [])
    assert "<title>a &lt; b</title>" in drawn
    assert 'viewBox="0 0 20 10" role="img" aria-label="a &lt; b"' in drawn


@pytest.mark.parametrize("model", ["baseline", "victim", "hardened"])
def test_models_differ_in_shape_and_not_in_color_alone(model: str) -> None:
    others = {"baseline", "victim", "hardened"} - {model}
    shape = marker(model).partition("<path")[2]
    assert all(shape != marker(other).partition("<path")[2] for other in others)
