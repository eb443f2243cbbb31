"""Work that several machines share, or one does alone: the bytes are the same.

    tasks   work of which any stretch can be done by itself
    asking  asking a model about many images, as a task
    spool   rows that come in pieces, put together in a file
    shares  the stretches of several machines as files

A step says its name and gives its tasks; `processing.parts` has what the other machines run.
"""
