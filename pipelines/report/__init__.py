"""The report of a run: `report.html`, one file that needs nothing else, and `report.json`.

    run_folder     the run's folder -> typed values
    document       those -> plain JSON, the whole of `report.json`, with
    sentences      names of models, and sentences for people,
    curves         a detector's scores as a histogram and a ROC curve,
    provenance     steps, digests, seed and versions,
    lineage_graph  what the package came from
    render         that JSON and the pictures -> the page, with
    drawings       its charts,
    flow           its lineage,
    pictures       and its pictures
    summary        the numbers on the terminal

What it shares with the dashboard is in `pipelines.page`.

Imports neither TensorFlow nor sagemaker: writing a report takes a second.
"""

from __future__ import annotations

from pathlib import Path

from boomerang.safeio import write_bytes_atomic, write_json_atomic
from pipelines.report.document import build
from pipelines.report.render import encode_pictures, render
from pipelines.report.run_folder import read_run
from pipelines.runs.records import NUMBERS, PAGE


def write_report(run_dir: Path) -> Path:
    """Write `report.html` and `report.json` into a run's folder.

    A run that stopped before its models were measured gets a report that says where and why.

    Parameters
    ----------
    run_dir : Path
        A run's folder, with `execution.json` and `config.json`.

    Returns
    -------
    Path
        The page.

    Raises
    ------
    BadInput, ConfigError
        If the folder holds no run, or what Evaluate left there is malformed.
    """
    run = read_run(run_dir)
    document = build(run)
    page = render(document, encode_pictures(run.evaluation))
    write_json_atomic(run_dir / NUMBERS, document)
    write_bytes_atomic(run_dir / PAGE, page.encode())
    return run_dir / PAGE
