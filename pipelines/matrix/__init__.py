"""A campaign: many runs, one matrix.

document    what `matrix.json` holds
quantities  what is measured in every cell
"""
