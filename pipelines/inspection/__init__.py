"""What a foreign model file tells of a backdoor: `inspect`.

subject      the model, of whatever kind its file or folder is, opened without running anything of it
handed_rows  clean and triggered images that come with it
examined     all checks, one after the other (`training.checks`)
lab          accuracy and ASR as it is, as channels are cut, with GoodNet, and repaired
document     all that was found as plain JSON
render       that JSON and the pictures -> the page, with
bars         its drawings
tables       the same on the terminal
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from boomerang.errors import UsageError
from pipelines.inspection.document import Document, build
from pipelines.inspection.examined import examine
from pipelines.inspection.handed_rows import open_rows
from pipelines.inspection.lab import experiment
from pipelines.inspection.render import pictures_of, render
from pipelines.inspection.subject import Subject, open_subject


def inspect(
    model: Path,
    *,
    clean: Path | None = None,
    triggered: Path | None = None,
    control: Path | None = None,
    white: float | None = None,
    seed: int = 0,
    say: Callable[[str], None] = lambda _: None,
) -> tuple[Document, str]:
    """Inspect a model, and return what was found: the document and the page.

    Parameters
    ----------
    model : Path
        See `open_subject`.
    clean, triggered : Path, optional
        See `open_rows`. The labels of the second are the class that the attacker wants; with both, the model
        is repaired as well.
    control : Path, optional
        A model of the same task that no attacker could reach. Of a run without one it is the run's baseline.
    white : float, optional
        What a white pixel is to a foreign model, 1 or 255.
    seed : int
        Of what is drawn.
    say : callable
        Is told how far it got.

    Raises
    ------
    BadInput, IntegrityError, UsageError
        Before anything is computed, where a file cannot be used.
    """
    if triggered is not None and clean is None:
        raise UsageError("--triggered", "it is measured beside clean rows", "give --clean, too")
    subject = open_subject(model, white)
    beside = _beside(subject, control, white)
    shape, classes = subject.shape, len(subject.classes)
    rows, poisoned = (
        None if path is None else open_rows(path, shape, classes, option)
        for path, option in ((clean, "--clean"), (triggered, "--triggered"))
    )
    found = examine(subject, beside, rows, seed, say)
    lab = None
    if rows is not None and poisoned is not None:
        lab = experiment(subject.model, rows, poisoned, subject.classes, seed, say)
    document = build(subject, found, lab, seed)
    return document, render(document, pictures_of(found.triggers, None if rows is None else rows.x))


def _beside(subject: Subject, control: Path | None, white: float | None) -> Subject | None:
    """Return the model that is held against the one inspected, if there is any."""
    if control is not None:
        return open_subject(control, white)
    if subject.control is None:
        return None
    return replace(open_subject(subject.control, None), name="the run's baseline")
