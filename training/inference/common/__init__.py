"""What the defenses at inference have in common.

base      what a defense is, and how one is written
refusing  what those have in common that refuse rows
ranks     at which rank the nearest trusted row of a row's class comes
"""
