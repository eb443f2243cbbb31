"""What the architectures have in common.

base       what a network is, and how one is written
batches    how many images a network is asked about at once
inside     what a network's layers give, and its answer when they give something else
norms      which layers normalize, and how many of the last ones make it forget
slopes     how a logit hangs on what layers give
published  weights that others published, given to a network of ours
"""
