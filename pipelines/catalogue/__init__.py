"""The attacks as a person looks them up: all in a table, and each explained.

told            what an attack says of itself: its row of the table, its text, an entry to copy
setting_words   types, limits, defaults and words of settings
expected        what an attack reached where it was measured
on_terminal     the table, and one attack, on a terminal
attack_page     docs/attacks.md
sample          an attack staged on drawn pictures that come with the project
contact_sheet   its images before and after, and the difference, as one picture
"""
