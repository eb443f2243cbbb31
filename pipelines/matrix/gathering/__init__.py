"""The numbers of a campaign's runs, brought together.

measured    what one run measured
over_seeds  the numbers of a cell over its seeds, and what keeps a reader from trusting them
card        what stands beside them: pictures, thresholds
assemble    the matrix
"""
