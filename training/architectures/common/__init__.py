"""What the architectures have in common.

base       what a network is, and how one is written
published  weights that others published, given to a network of ours
"""
