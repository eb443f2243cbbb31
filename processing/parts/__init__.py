"""The entry points of the machines that make shares."""
