"""What the expressions of a run can refer to."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from pipelines.language.graph import Node
from pipelines.runners.scope import run_scope
from pipelines.runs.storage import Store


def test_a_property_file_is_parsed_once_a_run(tmp_path: Path) -> None:
    """A gate asks it a dozen numbers, and of many classes it is large."""
    entry = {"PropertyFileName": "metrics", "OutputName": "evaluation", "FilePath": "metrics.json"}
    node = SimpleNamespace(name="Evaluate", step={"PropertyFiles": [entry]})
    store = SimpleNamespace(path=lambda uri: tmp_path)
    scope = run_scope("run", {}, [cast(Node, node)], cast(Store, store))
    made: Any = {"ProcessingOutputConfig": {"Outputs": {"evaluation": {"S3Output": {"S3Uri": "s3://x/y"}}}}}
    scope.properties["Evaluate"] = made
    (tmp_path / "metrics.json").write_text('{"a": 1}')
    assert scope.property_file("Evaluate", "metrics") == {"a": 1}
    (tmp_path / "metrics.json").unlink()
    assert scope.property_file("Evaluate", "metrics") == {"a": 1}
