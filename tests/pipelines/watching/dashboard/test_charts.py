"""How values are written on a graph."""

from __future__ import annotations

from pipelines.watching.dashboard.charts import formatter


def test_rates_are_percentages_and_counts_are_not() -> None:
    assert formatter({"metrics": [["Boomerang", "CleanAccuracy", "Group", "g"]]})(0.5) == "50.0%"
    assert formatter({"metrics": [["Boomerang", "FlaggedRows", "Group", "g"]]})(1234.0) == "1,234"
    write = formatter({"metrics": [["AWS/Sagemaker/ModelBuildingPipeline", "StepDuration"]]})
    assert [write(value) for value in (0.0, 0.0003, 0.637, 12.3, 411.0)] == [
        "0",
        "<0.01",
        "0.64",
        "12.3",
        "411",
    ]
