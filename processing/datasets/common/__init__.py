"""What the sources share.

    base         what a source is, and how to write one
    corpus       what it gives: splits, and the blueprint of rows that are still to be made
    survey       what a glance at its files tells
    fitting      arrays held against each other
    foreign      files that people bring: recognized, and their arrays brought to one form
    examples     small files for the tests
    sheets       small images edge to edge on large ones, with their digests
    choice       some of the classes instead of all
    keras_set    the published sets that Keras can download

A new source is a file beside this folder and nothing else.
"""
