"""The definition of a campaign entry's pipeline."""
