"""What a person decides on a package of this machine, and what the gate's verdict lets be decided."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers.judged import judged

from boomerang.errors import BadInput, IntegrityError, UsageError
from boomerang.metrics import Metrics
from pipelines.cli.main import main
from pipelines.registry.approval import approve, reject
from pipelines.registry.local import Registry


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Metrics]:
    return judged(tmp_path_factory.mktemp("runs"))


@pytest.fixture
def add(tmp_path: Path, measured: dict[str, Metrics]) -> Callable[..., Registry]:
    registry = Registry(tmp_path / "registry")

    def register(status: str = "PendingManualApproval", which: str = "") -> Registry:
        model, metrics = tmp_path / "model.tar.gz", tmp_path / "metrics.json"
        model.write_bytes(b"a model")
        which = which or ("poisoned" if status == "Rejected" else "good")
        metrics.write_text(json.dumps(measured[which].model_dump(mode="json")))
        registry.register("jets", model, status=status, run="run", step="Register", metrics=metrics)
        return registry

    return register


def test_what_the_gate_rejected_is_refused_whatever_status_it_has(add: Callable[..., Registry]) -> None:
    registry = add("PendingManualApproval", "poisoned")
    with pytest.raises(BadInput, match=r"the gate rejected it: upper 95% bound of the attack success rate"):
        approve(registry, "jets/1", by="ada", reason="the pipeline let it through")
    assert approve(registry, "jets/1", by="ada", reason="to study it", override=True).status == "Approved"


def test_what_was_registered_as_rejected_is_refused_whatever_the_gate_said(
    add: Callable[..., Registry],
) -> None:
    with pytest.raises(BadInput, match="Register rejected it, and its metrics do not say why"):
        approve(add("Rejected", "good"), "jets/1", by="ada")


def test_a_package_of_which_nothing_was_measured_is_refused(tmp_path: Path) -> None:
    registry, model = Registry(tmp_path / "registry"), tmp_path / "model.tar.gz"
    model.write_bytes(b"a model")
    registry.register("jets", model, status="PendingManualApproval", run="run", step="Register")
    with pytest.raises(BadInput, match="nothing says what the gate found"):
        approve(registry, "jets/1", by="ada", override=True, reason="never mind")


def test_a_pending_package_is_approved_and_rejected(add: Callable[..., Registry]) -> None:
    registry = add()
    assert approve(registry, "jets/1", by="ada", reason="looks right").status == "Approved"
    assert reject(registry, "jets/1", by="bob", reason="it is not").status == "Rejected"
    history = registry.package("jets", 1).history
    assert [(h["status"], h["by"], h["reason"]) for h in history[1:]] == [
        ("Approved", "ada", "looks right"),
        ("Rejected", "bob", "it is not"),
    ]


def test_deciding_the_same_twice_adds_nothing(add: Callable[..., Registry]) -> None:
    registry = add()
    for _ in range(2):
        approve(registry, "jets/1", by="ada")
    assert len(registry.package("jets", 1).history) == 2
    for _ in range(2):
        reject(registry, "jets/1", by="ada", reason="no")
    assert len(registry.package("jets", 1).history) == 3


def test_what_was_rejected_is_approved_only_by_an_override_with_a_reason(
    add: Callable[..., Registry],
) -> None:
    registry = add("Rejected")
    with pytest.raises(
        BadInput,
        match=r"the gate rejected it: .*attack success rate: .*To do: screen",
    ):
        approve(registry, "jets/1", by="ada", reason="I like it")
    with pytest.raises(UsageError, match="needs a reason"):
        approve(registry, "jets/1", by="ada", reason=" ", override=True)
    assert registry.package("jets", 1).status == "Rejected"
    assert approve(registry, "jets/1", by="ada", reason="to study it", override=True).status == "Approved"


def test_what_a_person_rejected_needs_an_override_too(add: Callable[..., Registry]) -> None:
    registry = add()
    reject(registry, "jets/1", by="bob", reason="canaries fell")
    with pytest.raises(BadInput, match="bob rejected it: canaries fell"):
        approve(registry, "jets/1", by="ada")


def test_a_changed_package_is_not_approved(add: Callable[..., Registry]) -> None:
    registry = add()
    model = registry.package("jets", 1).model
    model.unlink()
    model.write_bytes(b"another")
    with pytest.raises(IntegrityError, match="has been changed"):
        approve(registry, "jets/1", by="ada")


def test_a_changed_package_can_be_rejected(add: Callable[..., Registry]) -> None:
    registry = add()
    registry.package("jets", 1).model.unlink()
    assert reject(registry, "jets/1", by="ada", reason="damaged").status == "Rejected"


@pytest.mark.parametrize("name", ["jets", "jets/0", "jets/x", "/1", "a/b/1", "jets/2"])
def test_a_name_of_no_package_is_refused(add: Callable[..., Registry], name: str) -> None:
    with pytest.raises(UsageError):
        approve(add(), name, by="ada")


def test_the_commands_decide(
    add: Callable[..., Registry], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    registry = add()
    out = ["--out", str(tmp_path), "--by", "ada"]
    assert main(["approve", "jets/1", *out]) == 0
    assert main(["reject", "jets/1", *out]) == 2  # without a reason
    assert registry.package("jets", 1).status == "Approved"
    assert main(["reject", "jets/1", *out, "--reason", "canaries fell"]) == 0
    assert main(["approve", "jets/1", *out]) == 2
    assert registry.package("jets", 1).status == "Rejected"
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("data: boomerang-synthetic-10, 10260 training rows, seed 0")
    assert "  ok     canaries answered wrong: 0, at most 0" in said
    assert [line for line in said if line.startswith(("verdict", "jets"))] == [
        *("verdict: the gate passed it", "jets/1 is Approved", "jets/1 is Rejected"),
        "verdict: the gate passed it",
    ]
