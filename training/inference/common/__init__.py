"""What the defenses at inference have in common."""
