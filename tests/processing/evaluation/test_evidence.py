"""Galleries: evenly chosen rows with what each model calls them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from processing.evaluation.evidence import Group, evenly, write_gallery


def test_rows_are_taken_at_even_steps() -> None:
    assert evenly(3, 5).tolist() == [0, 1, 2]
    assert evenly(9, 3).tolist() == [0, 4, 8]


def test_each_image_has_every_models_call(tmp_path: Path) -> None:
    x = np.zeros((2, 4, 4, 3), np.uint8)
    group = Group("pictures", "p", "Pictures", x, None, [None, None], ["cat", "cat"], ["a", "b"])
    empty = Group("canaries", "c", "Canaries", x[:0], None, [], [], [])
    models = {
        "baseline": lambda x: np.tile(np.array([0.9, 0.1], np.float32), (len(x), 1)),
        "victim": lambda x: np.tile(np.array([0.25, 0.75], np.float32), (len(x), 1)),
    }
    write_gallery(tmp_path, [group, empty], models, ("cat", "dog"))
    (found,) = json.loads((tmp_path / "gallery.json").read_text())["groups"]
    assert found["id"] == "pictures:p" and found["before"] is None
    assert np.array_equal(np.load(tmp_path / found["images"]), x)
    assert found["items"][1] == {
        "id": "b",
        "given": None,
        "right": "cat",
        "calls": {"baseline": "cat", "victim": "dog"},
        "confidence": {"baseline": 0.9, "victim": 0.75},
    }
