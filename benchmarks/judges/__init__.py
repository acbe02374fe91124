"""The rules that say when a predicted query is right, by name."""
