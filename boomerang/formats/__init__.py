"""The folders that one package writes and another reads: writer and reader of each side by side."""
