"""What the pages share: the report's and the dashboard's.

    shell        the document around a page, its style sheet, its script, and what it is forbidden
    wording      numbers, counts and times as the pages write them
    svg, axes    drawings, and the axes of those that are charts
    scrub        text from a run, fit to be shown to others
    terminal     tables and live lists, where a terminal is the page

Imports no page: each of them builds on this.
"""
