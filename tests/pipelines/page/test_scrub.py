"""What escaping cannot take out of a text."""

from __future__ import annotations

import pytest

from pipelines.page.scrub import scrub_text


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("see /home/ann/runs/7/log.txt, line 3", "see …/log.txt, line 3"),
        ('File "/usr/lib/python3/x.py"', 'File "…/x.py"'),
        (r"C:\Users\ann\x.npy", "…/x.npy"),
        ("~/secret/x", "…/x"),
        ("file:///home/ann/x", "…/x"),
        ("s3://bucket/a/b", "s3://bucket/a/b"),
        ("images/rutan-boomerang", "images/rutan-boomerang"),
        ("1/2 and/or </b>", "1/2 and/or </b>"),
        ("a\x1b[31mb\nc", "a\\x1b[31mb\nc"),
    ],
)
def test_scrub(text: str, clean: str) -> None:
    assert scrub_text(text) == clean
