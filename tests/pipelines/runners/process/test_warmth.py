"""Jobs that are forks of a process with Keras loaded."""

from __future__ import annotations

import json

import pytest
from helpers import toy_pipeline as toy
from helpers.toy_runs import Execute


@pytest.fixture
def light(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a module of the standard library stand for Keras, which takes seconds to load."""
    monkeypatch.setattr("pipelines.runners.process.warmth._HEAVY", frozenset({"colorsys"}))
    monkeypatch.setattr("pipelines.runners.process.warmth._PRELOAD", ("colorsys",))


@pytest.mark.usefixtures("light")
def test_a_forked_job_is_as_private_as_any_other(run: Execute) -> None:
    body = """
loaded = "colorsys" in sys.modules
import colorsys, tempfile
seen = {
    "parent": os.getppid(), "loaded": loaded, "arguments": sys.argv[1:], "color": os.environ.get("COLOR"),
    "left": hasattr(colorsys, "left"), "cwd": os.getcwd(), "tmp": tempfile.gettempdir(), "name": __name__,
    "group": os.getpgid(0) == os.getpid(), "input": sys.stdin.read(),
}
(ml / "processing/output/out/seen.json").write_text(json.dumps(seen))
print("said")
colorsys.left = True
"""
    steps = [
        toy.processing(
            name, "processing.make", {}, ["out"], [name], cached=False, environment={"COLOR": name}
        )
        for name in "ABC"
    ]
    execution = run(toy.definition(*steps), jobs={"make": body}, warm=True)

    a, b, c = (json.loads((execution.path(name, "out") / "seen.json").read_text()) for name in "ABC")
    assert (a["loaded"], b["loaded"], c["loaded"]) == (False, True, True)
    assert a["parent"] != b["parent"] == c["parent"]
    for name, seen in (("A", a), ("B", b), ("C", c)):
        assert (seen["arguments"], seen["color"], seen["left"], seen["input"]) == ([name], name, False, "")
        assert seen["cwd"] == str(execution.run_dir / "jobs" / name / "cwd")
        assert seen["tmp"] == str(execution.run_dir / "jobs" / name / "tmp")
        assert (seen["name"], seen["group"]) == ("__main__", True)
        assert (execution.run_dir / "logs" / f"{name}.log").read_text() == "said\n"


@pytest.mark.usefixtures("light")
def test_a_forked_job_fails_and_is_timed_like_any_other(run: Execute) -> None:
    body = """
import colorsys
end = {"exit": lambda: sys.exit(4), "raise": lambda: 1 / 0, "sleep": lambda: time.sleep(60)}
end.get(sys.argv[1], lambda: None)()
"""

    def failure(how: str, timeout_s: int = 30) -> str:
        steps = [
            toy.processing(name, "processing.make", {}, ["out"], [what], cached=False, timeout_s=timeout_s)
            for name, what in (("First", "pass"), ("Second", how))
        ]
        execution = run(toy.definition(*steps), jobs={"make": body}, warm=True)
        assert execution.failed_step == "Second"
        return execution.failure

    assert "exit code 4" in failure("exit")
    assert "ZeroDivisionError" in failure("raise")
    assert "time limit of 2 s" in failure("sleep", 2)
