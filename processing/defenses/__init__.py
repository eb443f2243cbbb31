"""Defenses on data."""
