"""The attacks and defenses as a person looks them up: all in a table, and each explained.

attacks         what an attack says of itself: its row of the table, how it is explained, an entry to copy
defenses        the same of a defense
told            how one of either is explained: what it is, its settings, an entry
setting_words   types, limits, defaults and words of settings
expected        what an attack reached where it was measured
on_terminal     the table, and one explained, on a terminal
attack_page     docs/attacks.md
defense_page    docs/defenses.md
kinds_page      how both are laid out
sample          an attack staged on drawn pictures that come with the project
contact_sheet   its images before and after, and the difference, as one picture
"""
