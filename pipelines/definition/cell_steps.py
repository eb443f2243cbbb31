"""Where the cells of a campaign are in its definition."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipelines.campaign.entry import EVALUATE
from pipelines.campaign.member import NAME
from pipelines.language.for_each import FOR_EACH, child_of, items_of


def measured_by(definition: Mapping[str, Any]) -> dict[str, str]:
    """Return the step that measures each cell of a campaign's pipeline, by the cell's name."""
    loops = [step for step in definition["Steps"] if step["Type"] == FOR_EACH]
    return {
        item[NAME]: f"{body['Name']}-{index}"
        for loop in loops
        for body in loop["Arguments"]["ForEachBody"]
        if child_of(body["Name"]) == EVALUATE
        for index, item in enumerate(items_of(loop))
    }
