"""A kept definition is used only as this user kept it: who edits the file does not edit the gate."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers import toy_pipeline as toy
from helpers.definitions import FLIP, PATCH, config
from helpers.ranges import ROOT

from boomerang.safeio import load_json, write_json_atomic
from pipelines.campaign.sections import Config
from pipelines.definition import build as module
from pipelines.definition.build import SOURCES, build
from pipelines.definition.user_key import NAME, made_by_user, user_code, user_key
from pipelines.runners.process.code import code_of

ENTRY = config(attacks=[FLIP])


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the key of this test's user is."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state" / "boomerang"


@pytest.fixture(autouse=True)
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Config]:
    """The configs whose definitions were drawn; the toy's stands for all, as the SDK takes seconds."""
    configs: list[Config] = []

    def define(config: Config, *_: Any, **__: Any) -> dict[str, Any]:
        configs.append(config)
        return toy.definition()

    monkeypatch.setattr(module, "_define", define)
    return configs


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """A kept definition of `ENTRY`."""
    build(ENTRY, cache=tmp_path / "kept")
    (file,) = (tmp_path / "kept").iterdir()
    return file


def test_a_kept_definition_is_drawn_once(kept: Path, drawn: list[Config], capsys: Any) -> None:
    assert build(ENTRY, cache=kept.parent).definition == toy.definition()
    assert len(drawn) == 1 and capsys.readouterr() == ("", "")
    build(config(attacks=[PATCH]), cache=kept.parent)
    assert len(drawn) == 2 and len(list(kept.parent.iterdir())) == 2


def test_a_definition_without_a_gate_is_kept_as_another(kept: Path, drawn: list[Config]) -> None:
    for _ in range(2):
        build(ENTRY, cache=kept.parent, gated=False)
    assert len(drawn) == 2 and len(list(kept.parent.iterdir())) == 2


def open_the_gate(kept: Path) -> None:
    content = load_json(kept)
    content["definition"]["Steps"][-1]["Arguments"]["Conditions"] = []
    write_json_atomic(kept, content)


def take_the_code_out(kept: Path) -> None:
    content = load_json(kept)
    del content["code"]
    write_json_atomic(kept, content)


def keep_the_definition_alone(kept: Path) -> None:
    write_json_atomic(kept, load_json(kept)["definition"])


def code_of_no_text(kept: Path) -> None:
    write_json_atomic(kept, load_json(kept) | {"code": 7})


def code_of_another_key(kept: Path) -> None:
    write_json_atomic(kept, load_json(kept) | {"code": "0" * 64})


def half_a_character(kept: Path) -> None:
    kept.write_text(kept.read_text().replace("2020-12-01", "\\ud800"))


def cut_short(kept: Path) -> None:
    kept.write_text(kept.read_text()[:100])


def a_list(kept: Path) -> None:
    kept.write_text("[]")


@pytest.mark.parametrize(
    "spoil",
    [
        open_the_gate,
        take_the_code_out,
        keep_the_definition_alone,
        code_of_no_text,
        code_of_another_key,
        half_a_character,
        cut_short,
        a_list,
    ],
)
def test_a_changed_one_is_drawn_anew_and_replaced_and_said(
    kept: Path, drawn: list[Config], capsys: Any, spoil: Callable[[Path], None]
) -> None:
    whole = kept.read_bytes()
    spoil(kept)
    assert kept.read_bytes() != whole

    assert build(ENTRY, cache=kept.parent).definition == toy.definition()
    said = f"the kept definition {kept} was changed, or is not this user's: drawn anew\n"
    assert len(drawn) == 2 and capsys.readouterr() == ("", said)
    assert kept.read_bytes() == whole


def test_a_copy_under_the_name_of_another_is_not_taken(kept: Path, drawn: list[Config], capsys: Any) -> None:
    other = config(attacks=[PATCH])
    build(other, cache=kept.parent)
    (name,) = {file for file in kept.parent.iterdir() if file != kept}
    shutil.copyfile(kept, name)

    build(other, cache=kept.parent)
    assert drawn == [ENTRY, other, other] and f"{name} was changed" in capsys.readouterr().err


def test_one_of_another_user_is_not_taken(
    kept: Path, drawn: list[Config], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "theirs"))
    build(ENTRY, cache=kept.parent)
    assert len(drawn) == 2 and "is not this user's" in capsys.readouterr().err


def test_the_key_is_made_once_for_this_user_alone(state: Path) -> None:
    key = user_key()
    assert key is not None and len(key) == 32 and user_key() == key
    assert [file.name for file in state.iterdir()] == [NAME]
    assert stat.S_IMODE(state.stat().st_mode) == 0o700
    assert stat.S_IMODE((state / NAME).stat().st_mode) == 0o600


def test_a_relative_state_folder_is_ignored_for_that_of_the_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "state")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert user_key() == (tmp_path / ".local/state/boomerang" / NAME).read_bytes()


def readable_by_others(key: Path) -> None:
    key.chmod(0o640)


def a_link(key: Path) -> None:
    key.rename(key.with_name("elsewhere"))
    key.symlink_to("elsewhere")


def too_short(key: Path) -> None:
    key.write_bytes(b"short")


def a_pipe(key: Path) -> None:
    key.unlink()
    os.mkfifo(key, 0o600)


@pytest.mark.parametrize("spoil", [readable_by_others, a_link, too_short, a_pipe])
def test_a_key_that_may_not_be_this_users_alone_is_not_used(
    kept: Path, state: Path, drawn: list[Config], spoil: Callable[[Path], None]
) -> None:
    spoil(state / NAME)
    assert user_key() is None
    before = kept.read_bytes()
    build(ENTRY, cache=kept.parent)
    assert len(drawn) == 2 and kept.read_bytes() == before


@pytest.mark.parametrize("where", ["no user", "no home", "a file", "unwritable"])
def test_without_a_place_for_the_key_nothing_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, drawn: list[Config], where: str
) -> None:
    monkeypatch.delenv("XDG_STATE_HOME")
    home = tmp_path / "home"
    if where == "a file":
        home.touch()
    elif where == "unwritable":
        home.mkdir(mode=0o500)
        if os.access(home, os.W_OK):
            home = Path("/sys")  # root may write nearly everywhere, but not here
    monkeypatch.setenv("HOME", str(home))
    if where == "no user":
        monkeypatch.setattr(Path, "home", lambda: (_ for _ in ()).throw(RuntimeError("no home")))

    for _ in range(2):
        assert build(ENTRY, cache=tmp_path / "kept").definition == toy.definition()
    assert len(drawn) == 2 and not (tmp_path / "kept").exists()
    assert where != "no home" or not home.exists()


def test_who_only_looks_keeps_nothing(tmp_path: Path, drawn: list[Config]) -> None:
    build(ENTRY, cache=tmp_path / "kept", keeps=False)
    assert len(drawn) == 1 and not (tmp_path / "kept").exists()
    build(ENTRY, cache=tmp_path / "kept")
    build(ENTRY, cache=tmp_path / "kept", keeps=False)
    assert len(drawn) == 2, "what a run kept is used"


def test_a_code_is_of_one_user_one_purpose_and_one_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = user_code("cache", {"a": 1})
    assert made_by_user(code, "cache", {"a": 1}) is True
    assert made_by_user(code, "run", {"a": 1}) is made_by_user(code, "cache", {"a": 2}) is False
    for other in ("", None, 3, code[1:]):
        assert made_by_user(other, "cache", {"a": 1}) is None
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "another"))
    assert made_by_user(code, "cache", {"a": 1}) is None


TWICE = """
import sys
from pathlib import Path
from helpers import toy_pipeline as toy
from helpers.definitions import FLIP, config
from pipelines.definition import build as module
module._define = lambda *_, **__: toy.definition()
sys.stdin.read()
for _ in range(5):
    assert module.build(config(attacks=[FLIP]), cache=Path(sys.argv[1])).definition == toy.definition()
print(module.user_key().hex(), "sagemaker" in sys.modules)
"""


def test_processes_at_once_make_one_key_and_disturb_no_one(tmp_path: Path, state: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"}
    command = [sys.executable, "-c", TWICE, str(tmp_path / "kept")]
    pipe: Any = subprocess.PIPE
    started = [
        subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, stderr=pipe) for _ in range(4)
    ]
    for process in started:
        assert process.stdin is not None
        process.stdin.close()
        process.stdin = None
    said = {process.communicate() for process in started}
    key = user_key()
    assert key is not None
    assert said == {(f"{key.hex()} False\n".encode(), b"")}, "one key, no SDK, nothing on stderr"
    assert [file.name for file in state.iterdir()] == [NAME]


def test_all_code_that_draws_decides_what_is_kept() -> None:
    covered = {file.relative_to(ROOT).as_posix() for pattern in SOURCES for file in ROOT.glob(pattern)}
    drawing = {name for name in code_of("pipelines.definition.sdk", ROOT).files if name.endswith(".py")}
    # The campaign's entry completes a config with the settings of attacks, and the config decides too.
    needed = {name for name in drawing if not name.startswith(("processing/", "training/"))}
    assert needed - {"pipelines/__init__.py"} <= covered


def test_the_file_is_json_that_a_person_can_read(kept: Path) -> None:
    assert json.loads(kept.read_text()).keys() == {"format", "code", "definition"}
