"""A page of documentation with a table of kinds, and a part on each that its row leads to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence


def kinds_page(
    intro: str, headings: Sequence[str], rows: Iterable[Sequence[str]], parts: Mapping[str, str]
) -> str:
    """Return the whole page as Markdown.

    Parameters
    ----------
    intro : str
        Its title and what stands above the table.
    headings : sequence of str
    rows : iterable of sequence of str
        A cell a heading, the first one the kind.
    parts : mapping of str to str
        By kind what is said of it below the table.
    """
    linked = [(f"[`{kind}`](#{kind})", *cells) for kind, *cells in rows]
    table = "\n".join(f"| {' | '.join(row)} |" for row in (headings, ("---",) * len(headings), *linked))
    below = [f"\n## {kind}\n\n{text}" for kind, text in parts.items()]
    return "\n".join([intro, table, *below]) + "\n"
