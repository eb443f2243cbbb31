"""Work that several machines share, or one does alone: the bytes are the same."""
