"""What lies at a path, for who wants to use it as data: the command `data`.

look      what was recognized, its classes and counts, and the entry that uses it
as_table  the same on a terminal
sheet     some images of each class, as one picture
"""
