"""The definition language read back."""
