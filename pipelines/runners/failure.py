"""Why a job failed, in words: its own where it said something."""

from __future__ import annotations

from pathlib import Path

from pipelines.language.job_plan import Plan

# SageMaker shows no more.
_MESSAGE_CHARACTERS = 1024
_LOG_TAIL_LINES = 12
_LOG_TAIL_BYTES = 8192


def failure_words(job: Plan, said: str, log: Path, exit_code: int | None, *, timed_out: bool) -> str:
    """Return why a job failed, from what it said and how it ended; a code of None is not known."""
    if timed_out:
        return f"it was stopped at its time limit of {job.timeout_s} s"
    if said.strip():
        return said.strip()[:_MESSAGE_CHARACTERS]
    if exit_code is None:
        ended = "it did not start"
    else:
        ended = (
            f"it ended with signal {-exit_code}" if exit_code < 0 else f"it ended with exit code {exit_code}"
        )
    tail = _tail(log)
    return ended + (f"; the end of its log:\n{tail}" if tail else " and said nothing")


def _tail(log: Path) -> str:
    if not log.is_file():
        return ""
    with log.open("rb") as stream:
        stream.seek(max(0, log.stat().st_size - _LOG_TAIL_BYTES))
        lines = stream.read().decode(errors="replace").strip().splitlines()
    return "\n".join(lines[-_LOG_TAIL_LINES:])
