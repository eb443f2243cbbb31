"""What the repairs have in common."""
