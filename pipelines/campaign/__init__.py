"""One campaign entry."""
