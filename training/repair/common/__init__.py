"""What the repairs have in common.

base   what every one says of itself and does; how to write one
bench  what it works with
"""
