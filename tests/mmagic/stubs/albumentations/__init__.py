"""Stands in for a package that mmagic's transforms import, though none here uses it."""


class Compose:
    """Named in an annotation of mmagic's."""
