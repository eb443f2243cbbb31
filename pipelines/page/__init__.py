"""What the pages share: the report's and the dashboard's.

    shell        the document around a page, its style sheet, its script, and what it is forbidden
    wording      numbers, counts and times as the pages write them
    gate_table   the checks of the gate, and why a number is missing
    svg, axes    drawings, and the axes of those that are charts
    scrub        text from a run, fit to be shown to others
    terminal     tables and live lists, where a terminal is the page

Imports no page: each of them builds on this.
"""
