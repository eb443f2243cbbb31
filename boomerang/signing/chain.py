"""Following signed parents from a model back to the pictures, offline.

A statement names its parents by digest. The chain holds where each of them is signed too, and every
way ends in something that may come from nowhere: a dataset that was imported, or a set of pictures.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from boomerang.errors import IntegrityError
from boomerang.manifest import SIGNATURE
from boomerang.safeio import display_name
from boomerang.signing.artifacts import verify_signed
from boomerang.signing.keys import PublicKey
from boomerang.signing.sealing import read_statement
from boomerang.signing.statement import Statement

ORIGINS = frozenset({"dataset", "pictures"})


def verify_lineage(
    head: Path,
    behind: Iterable[Path],
    trusted_keys: Iterable[PublicKey],
    *,
    origins: Collection[str] = ORIGINS,
) -> tuple[Statement, ...]:
    """Verify a signed folder and everything it came from.

    Parameters
    ----------
    head : Path
        The signed folder to start at: a package or a model.
    behind : iterable of Path
        The signed folders it may have come from, in any order. Of one that is no longer at hand its
        `signature.json` is enough: then what it was is known, but not looked at.
    trusted_keys : iterable of PublicKey
    origins : collection of str
        The kinds that need no parents.

    Returns
    -------
    tuple of Statement
        The head and what stands behind it, children before their parents. Signed folders that have
        nothing to do with it are verified and left out.

    Raises
    ------
    IntegrityError
        If a folder does not verify; or for the first gap: a parent that nobody signed, or a statement
        that should have parents and has none.
    """
    keys = tuple(trusted_keys)
    others = [_verified(path, keys) for path in behind]
    return trace(_verified(head, keys), others, origins=origins)


def _verified(path: Path, keys: tuple[PublicKey, ...]) -> Statement:
    # Named by its file, a signature stands alone; named by its folder, the folder must be what was signed.
    if path.name == SIGNATURE and not path.is_dir():
        return read_statement(path, keys)
    return verify_signed(path, keys)


def trace(
    head: Statement, others: Iterable[Statement], *, origins: Collection[str] = ORIGINS
) -> tuple[Statement, ...]:
    """Return the head and all it came from, children before their parents; see `verify_lineage`.

    The statements are taken as they are: they must have been verified.
    """
    known = _by_digest([head, *others])
    found: dict[str, Statement] = {}
    todo = deque([(head, str(head))])
    while todo:
        statement, way = todo.popleft()
        if statement.digest in found:
            continue
        found[statement.digest] = statement
        if not statement.predicate.parents and statement.kind not in origins:
            raise _gap(head, f"{way} names nothing that it was made from", "sign it with its parents")
        for parent in _parents(head, statement, way, known):
            todo.append((parent, f"{way} < {parent}"))
    return _ordered(head, found, known)


def _by_digest(statements: Iterable[Statement]) -> dict[str, Statement]:
    known: dict[str, Statement] = {}
    for statement in statements:
        for digest in (statement.digest, *statement.predicate.aliases):
            there = known.setdefault(digest, statement)
            if there.digest != statement.digest or there.predicate.parents != statement.predicate.parents:
                why = f"{there} and {statement} are signed as one, {digest[:12]}, and have different origins"
                raise IntegrityError("the lineage is ambiguous", why, "leave out the one that is wrong")
    return known


def _parents(
    head: Statement, statement: Statement, way: str, known: Mapping[str, Statement]
) -> Iterable[Statement]:
    for name, digest in sorted(statement.predicate.parents.items()):
        if digest not in known:
            why = f"{way} was made from '{display_name(name)}' ({digest}), which is not among what is signed"
            raise _gap(head, why, "add the signed folder with that digest, or sign it")
        yield known[digest]


def _ordered(
    head: Statement, found: Mapping[str, Statement], known: Mapping[str, Statement]
) -> tuple[Statement, ...]:
    graph = {
        statement.digest: sorted(known[digest].digest for digest in statement.predicate.parents.values())
        for statement in found.values()
    }
    try:
        order = list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        circle = " < ".join(str(found[digest]) for digest in reversed(error.args[1]))
        why = f"{circle}: each is said to be made from the next"
        raise _gap(head, why, "sign the model with its true parents") from None
    return tuple(found[digest] for digest in reversed(order))


def _gap(head: Statement, why: str, do: str) -> IntegrityError:
    return IntegrityError(f"the lineage of {head} has a gap", why, do)
