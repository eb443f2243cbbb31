"""A page of kinds: the table leads to the parts."""

from __future__ import annotations

from pipelines.catalogue.kinds_page import kinds_page


def test_a_page_has_its_words_a_table_and_a_part_each() -> None:
    rows = [("one_kind", "is one"), ("other", "")]
    parts = {"one_kind": "It is one.", "other": "It is another.\n\nAnd more."}
    assert kinds_page("# Kinds\n\nAll of them.\n", ("kind", "what"), rows, parts) == (
        "# Kinds\n"
        "\n"
        "All of them.\n"
        "\n"
        "| kind | what |\n"
        "| --- | --- |\n"
        "| [`one_kind`](#one_kind) | is one |\n"
        "| [`other`](#other) |  |\n"
        "\n"
        "## one_kind\n"
        "\n"
        "It is one.\n"
        "\n"
        "## other\n"
        "\n"
        "It is another.\n"
        "\n"
        "And more.\n"
    )
