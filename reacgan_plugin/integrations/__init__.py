"""Doors to other code bases, one a module; import the one you need."""
