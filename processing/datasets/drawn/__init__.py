"""The renderer of the bundled pictures."""
