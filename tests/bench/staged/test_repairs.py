"""The table of repairs: the images of all seeds together, and what was not measured is a dash."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bench.staged.repairs import REPAIRS

TABLE = REPAIRS["repairs_fashion"]


def share(successes: int, total: int) -> dict[str, Any]:
    return {"successes": successes, "total": total, "value": successes / total, "low": 0.0, "high": 1.0}


def matrix(hits: int, again: int) -> dict[str, Any]:
    """A repair of one attack, and nothing beside it."""
    undefended = {"asr": share(100, 100), "accuracy": share(90, 100)}
    repaired = {
        "asr": share(hits, 100),
        "accuracy": share(80, 100),
        "retuned_asr": share(again, 100),
        "retuned_floor": share(1, 100),
        "cpu_seconds": {"value": 10.0 + hits},
    }
    rows = {"nothing": ("nothing", undefended), "sam": ("FT-SAM", repaired)}
    return {
        "rows": [{"id": name, "title": title} for name, (title, _) in rows.items()],
        "columns": [{"id": "patch", "title": "a patch", "clean": False}],
        "cells": [
            {"row": name, "column": "patch", "numbers": numbers} for name, (_, numbers) in rows.items()
        ],
        "versions": {},
    }


def test_the_table_has_the_images_of_all_seeds(tmp_path: Path) -> None:
    seeds = {
        str(k): TABLE.kept(matrix(hits, again), tmp_path)
        for k, (hits, again) in enumerate([(2, 60), (4, 80)])
    }
    (tmp_path / f"{TABLE.name}.json").write_text(json.dumps({"seeds": seeds}))
    *_, undefended, repaired = TABLE.table(tmp_path)
    assert undefended == "| a patch | nothing | 100.0 (98.1–100.0) | – | – | 90.0 (85.1–93.4) | – |"
    assert repaired.startswith("| a patch | FT-SAM | 3.0 (1.4–6.4) | 70.0 (")
    assert "| 1.0 | 80.0 (" in repaired and repaired.endswith("| 13 |")


def test_what_was_not_measured_is_a_head_alone(tmp_path: Path) -> None:
    assert len(TABLE.table(tmp_path)) == 2
