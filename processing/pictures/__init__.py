"""A folder of photographs as one array."""
