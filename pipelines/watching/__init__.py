"""The watch over the approved model."""
