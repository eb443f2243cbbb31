"""What the sources share.

    base         what a source gives, how to write one, and how rows are picked
    fitting      foreign arrays held against each other
    sheets       small images edge to edge on large ones, with their digests
    keras_files  data in Keras' `.npz` layout, from a file or downloaded
    choice       some of the classes instead of all
    keras_set    the published sets that Keras can download

A new source is a file beside this folder and nothing else.
"""
