"""Random mutations of signed things: none verifies. What was signed once verifies for ever."""

from __future__ import annotations

import base64
import json
import random
import shutil
from collections import Counter
from collections.abc import Callable, Mapping
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from helpers.ranges import ROOT
from helpers.signing_cases import Key, fresh_key, make_chain, make_dataset, make_model, make_pictures

from boomerang.digest import canonical_json
from boomerang.errors import IntegrityError
from boomerang.manifest import FileEntry, file_entries
from boomerang.signing import PublicKey, sign_folder, verify_lineage, verify_signed
from boomerang.signing.keys import normalized
from boomerang.signing.statement import message, payload_type

FEW, MANY = 200, 1000
FIXTURES = ROOT / "tests" / "fixtures" / "signed"
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
NAMES = ("pictures", "dataset", "model", "package")

# Of version 1.
KEY_ID = "dc14d6e5ab2f46eef3261d982361c39dd4bbada0f5411f1ca346492d5eebebeb"
DIGESTS = {
    "pictures": "7697f8900e7021c1",
    "dataset": "63f1c8d30aa97484",
    "model": "91d0d58355912266",
    "package": "b284a87e32932f55",
}

Content = dict[str, Any]
Mutation = Callable[[Path, random.Random], None]


def on_bytes(change: Callable[[bytearray, random.Random], object]) -> Mutation:
    """Change the bytes of any one file of the folder, the signature more often than others."""

    def mutate(folder: Path, rng: random.Random) -> None:
        files = covered(folder)
        file = rng.choice([*files, folder / "signature.json"])
        data = bytearray(file.read_bytes())
        change(data, rng)
        file.write_bytes(bytes(data))

    return mutate


def covered(folder: Path) -> list[Path]:
    """The files that a signature is about, and itself."""
    return sorted(path for path in folder.iterdir() if path.is_file() and path.name != "status.json")


def flip_bit(data: bytearray, rng: random.Random) -> None:
    data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def insert_bytes(data: bytearray, rng: random.Random) -> None:
    at = rng.randint(0, len(data))
    data[at:at] = rng.randbytes(rng.randint(1, 4))


def delete_bytes(data: bytearray, rng: random.Random) -> None:
    at = rng.randrange(len(data))
    del data[at : at + rng.randint(1, 4)]


def swap_bytes(data: bytearray, rng: random.Random) -> None:
    one, other = rng.randrange(len(data)), rng.randrange(len(data))
    data[one], data[other] = data[other], data[one]


def truncate(data: bytearray, rng: random.Random) -> None:
    del data[rng.randrange(len(data)) :]


def repeat(data: bytearray, rng: random.Random) -> None:
    at = rng.randrange(len(data))
    data[at:at] = data[at : at + rng.randint(1, 64)]


def add_space(data: bytearray, rng: random.Random) -> None:
    at = rng.choice([i for i, byte in enumerate(data) if byte in b" \n,:{"] or [len(data)])
    data[at:at] = rng.choice([b" ", b"\n", b"\t", b"\r\n"])


def on_signature(change: Callable[[Content, random.Random], object]) -> Mutation:
    """Change the content of `signature.json` and spell the result as a signer does."""

    def mutate(folder: Path, rng: random.Random) -> None:
        content = json.loads((folder / "signature.json").read_bytes())
        change(content, rng)
        text = json.dumps(content, indent=1, sort_keys=True)
        (folder / "signature.json").write_bytes(text.encode() + b"\n")

    return mutate


def high_s(content: Content, rng: random.Random) -> None:
    r, s = decode_dss_signature(base64.b64decode(content["signature"]))
    put(content, encode_dss_signature(r, ORDER - s))


def put(content: Content, signature: bytes) -> None:
    content["signature"] = base64.b64encode(signature).decode()


def reencode(content: Content, rng: random.Random) -> None:
    signature = base64.b64decode(content["signature"])
    body = signature[2:]
    first = 2 + body[1]
    zeros = b"\x02" + bytes([body[1] + 1]) + b"\0" + body[2:first] + body[first:]
    ways = [
        b"\x30\x81" + bytes([len(body)]) + body,
        b"\x30\x82\0" + bytes([len(body)]) + body,
        b"\x30\x80" + body + b"\0\0",
        b"\x30" + bytes([len(zeros)]) + zeros,
        signature + rng.randbytes(rng.randint(1, 3)),
        b"\x31" + signature[1:],
    ]
    put(content, rng.choice(ways))


def respell_base64(content: Content, rng: random.Random) -> None:
    name = rng.choice(["payload", "signature"])
    text = content[name]
    at = rng.randint(0, len(text))
    content[name] = rng.choice([text[:at] + "\n" + text[at:], text + "=", text + "A===", " " + text])


def numbers(content: Content, rng: random.Random) -> None:
    r, s = decode_dss_signature(base64.b64decode(content["signature"]))
    put(content, encode_dss_signature(*rng.choice([(s, r), (0, 0), (r, 0), (1, 1), (r + ORDER, s)])))


def edit_statement(content: Content, rng: random.Random) -> None:
    statement = json.loads(base64.b64decode(content["payload"]))
    name = rng.choice(sorted(statement["subjects"]))
    for change in rng.sample(
        [
            lambda: statement.update(digest=rng.randbytes(32).hex()),
            lambda: statement.update(name=statement["name"] + "2"),
            lambda: statement["subjects"].update({name: rng.randbytes(32).hex()}),
            lambda: statement["predicate"].update(parents={}, config=rng.randbytes(32).hex()),
            lambda: statement["predicate"].update(by="somebody else"),
        ],
        rng.randint(1, 3),
    ):
        change()
    content["payload"] = base64.b64encode(canonical_json(statement)).decode()


def other_kind(content: Content, rng: random.Random) -> None:
    kinds = [kind for kind in NAMES if payload_type(kind) != content["payload_type"]]
    content["payload_type"] = payload_type(rng.choice(kinds))


def other_field(content: Content, rng: random.Random) -> None:
    values = [None, True, 2, "", "ECDSA_SHA_512", [], rng.randbytes(32).hex()]
    content[rng.choice([*content, "more"])] = rng.choice(values)


def rename(folder: Path, rng: random.Random) -> None:
    file = rng.choice(covered(folder))
    file.rename(folder / rng.choice([file.name + "2", "." + file.name, file.name.upper(), file.name[:-1]]))


def move_down(folder: Path, rng: random.Random) -> None:
    file = rng.choice(covered(folder))
    (folder / "sub").mkdir(exist_ok=True)
    file.rename(folder / "sub" / file.name)


def swap_files(folder: Path, rng: random.Random) -> None:
    one, other = rng.sample(covered(folder), 2)
    data = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(data)


def add(folder: Path, rng: random.Random) -> None:
    name = rng.choice(["new", "x.npy2", ".hidden", "sub/new", "sub/signature.json", "sub/manifest.json"])
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_bytes(rng.randbytes(rng.randint(0, 8)))


def remove(folder: Path, rng: random.Random) -> None:
    rng.choice(covered(folder)).unlink()


def make_link(folder: Path, rng: random.Random) -> None:
    file = rng.choice([path for path in covered(folder) if path.name != "signature.json"])
    file.replace(folder.parent / "elsewhere")
    file.symlink_to(folder.parent / "elsewhere")


def recommit(folder: Path, rng: random.Random) -> None:
    """Change data and let the manifest, or the package's facts, agree."""
    names = [path for path in covered(folder) if path.name not in ("signature.json", "manifest.json")]
    file = rng.choice(names)
    data = bytearray(file.read_bytes())
    flip_bit(data, rng)
    file.write_bytes(bytes(data))
    if (folder / "manifest.json").exists():
        manifest = json.loads((folder / "manifest.json").read_text())
        entries: dict[str, FileEntry] = file_entries(folder)
        manifest["files"] = {name: entry.model_dump() for name, entry in entries.items()}
        (folder / "manifest.json").write_text(json.dumps(manifest, indent=1, sort_keys=True) + "\n")


def signatures_of_others(chain: Path) -> Mutation:
    """Take the signature of another folder, also of one of the same kind."""
    files = sorted(chain.glob("*/signature.json"))

    def mutate(folder: Path, rng: random.Random) -> None:
        shutil.copy(rng.choice(files), folder / "signature.json")

    return mutate


def signed_by_another(key: Key) -> Mutation:
    """Sign it again with a key that is not trusted, and say or do not say so."""

    def change(content: Content, rng: random.Random) -> None:
        payload = base64.b64decode(content["payload"])
        put(content, normalized(key.signer.sign(message(content["payload_type"], payload))))
        if rng.random() < 0.5:
            content["key_id"] = key.public.key_id

    return on_signature(change)


def plain_message(key: Key) -> Mutation:
    """Sign other bytes with the trusted key: the payload alone, or of another kind."""

    def change(content: Content, rng: random.Random) -> None:
        payload = base64.b64decode(content["payload"])
        other = message(content["payload_type"].replace("v1", "v2"), payload)
        put(content, normalized(key.signer.sign(rng.choice([payload, other, payload[:32]]))))

    return on_signature(change)


BYTES = {
    "flip a bit": flip_bit,
    "insert bytes": insert_bytes,
    "delete bytes": delete_bytes,
    "swap bytes": swap_bytes,
    "truncate": truncate,
    "repeat a part": repeat,
    "add space": add_space,
}
SIGNATURES = {
    "high s": high_s,
    "another DER": reencode,
    "other numbers": numbers,
    "another base64": respell_base64,
    "another statement": edit_statement,
    "another kind": other_kind,
    "another field": other_field,
}
FOLDERS: dict[str, Mutation] = {
    "rename": rename,
    "move down": move_down,
    "swap files": swap_files,
    "add": add,
    "remove": remove,
    "link": make_link,
    "recommit": recommit,
}


def mutations(chain: Path, trusted: Key, other: Key) -> dict[str, Mutation]:
    """Every way, by what it does; bytes twice as often as the others."""
    on_files = {name: on_bytes(change) for name, change in BYTES.items()}
    return {
        **on_files,
        **{f"{name} again": mutate for name, mutate in on_files.items()},
        **{name: on_signature(change) for name, change in SIGNATURES.items()},
        **FOLDERS,
        "another's signature": signatures_of_others(chain),
        "signed by another": signed_by_another(other),
        "signed otherwise": plain_message(trusted),
    }


def content(folder: Path) -> dict[str, bytes | str]:
    """Everything a mutation may change: names, bytes, and what is a link."""
    return {
        path.relative_to(folder).as_posix(): f"link to {path.readlink()}"
        if path.is_symlink()
        else path.read_bytes()
        for path in folder.rglob("*")
        if path.is_symlink() or path.is_file()
    }


def restore(folder: Path, before: Mapping[str, bytes | str]) -> None:
    """Undo a mutation; only what it changed is written, or a slow disk would take most of the time."""
    now = content(folder)
    for name in now.keys() - before.keys():
        (folder / name).unlink()
    for name, data in before.items():
        if now.get(name) != data:
            assert isinstance(data, bytes)
            if (folder / name).is_symlink():
                (folder / name).unlink()
            (folder / name).write_bytes(data)


def accepted(folder: Path, key: PublicKey) -> bool:
    """Whether a folder verifies; where not, it must be an integrity error that says what to do."""
    try:
        verify_signed(folder, [key])
    except IntegrityError as refusal:
        assert refusal.exit_code == 4 and refusal.why and refusal.do
        return False
    return True


@pytest.fixture(scope="module")
def trusted(tmp_path_factory: pytest.TempPathFactory) -> Key:
    return fresh_key(tmp_path_factory.mktemp("trusted"))


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Key:
    return fresh_key(tmp_path_factory.mktemp("other"))


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory, trusted: Key) -> Path:
    """The chain, and a second one of each kind, all signed with the trusted key."""
    root = tmp_path_factory.mktemp("chain")
    make_chain(root, trusted.signer)
    make_pictures(root / "pictures2", shade=9)
    make_dataset(root / "dataset2", seed=1)
    make_model(root / "model2", b"other weights")
    for name in ("pictures2", "dataset2", "model2"):
        sign_folder(root / name, trusted.signer)
    return root


@pytest.mark.parametrize("mutations_to_try", [FEW, pytest.param(MANY, marks=pytest.mark.whole)])
def test_no_mutation_verifies(
    chain: Path, trusted: Key, other: Key, tmp_path: Path, mutations_to_try: int
) -> None:
    """Each of them is refused as what it is, an integrity error, and nothing else goes wrong."""
    rng, done, verified = random.Random(20), Counter[str](), []
    ways = mutations(chain, trusted, other)
    before = {name: content(chain / name) for name in NAMES}
    shutil.copytree(chain, tmp_path, dirs_exist_ok=True)
    in_turn = cycle(sorted(ways))
    while done.total() < mutations_to_try:
        way, name = next(in_turn), rng.choice(NAMES)
        ways[way](tmp_path / name, rng)
        if content(tmp_path / name) != before[name]:
            done[way] += 1
            if accepted(tmp_path / name, trusted.public):
                verified.append((done.total(), way, name))
        restore(tmp_path / name, before[name])
        if done.total() % 50 == 0:
            assert accepted(tmp_path / name, trusted.public), "what is unchanged verifies"
    assert not verified
    assert done.keys() == ways.keys() and min(done.values()) >= mutations_to_try // 100, done


@pytest.mark.parametrize("folder", sorted(FIXTURES.glob("v*")), ids=lambda path: path.name)
def test_what_was_signed_once_verifies_for_ever(folder: Path) -> None:
    key = PublicKey.read(folder / "key.pub.pem")
    found = verify_lineage(folder / "package", [folder / name for name in NAMES[:-1]], [key])
    assert [statement.kind for statement in found] == ["package", "model", "dataset", "pictures"]


def test_there_is_something_that_was_signed_once() -> None:
    """Version 1 is kept as it was: the digests of what was signed are part of the format."""
    key = PublicKey.read(FIXTURES / "v1" / "key.pub.pem")
    assert key.key_id == KEY_ID
    digests = {name: verify_signed(FIXTURES / "v1" / name, [key], kind=name).digest for name in NAMES}
    assert {name: digest[:16] for name, digest in digests.items()} == DIGESTS
    assert not [path for path in FIXTURES.rglob("*") if path.is_file() and b"PRIVATE" in path.read_bytes()]
