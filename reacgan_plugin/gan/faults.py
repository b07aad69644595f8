"""Faults that a training run meets: what ends it, what sends it back."""

from __future__ import annotations


class TrainingFault(RuntimeError):
    """A run cannot go on as it is; what it saved before is whole."""


class Diverged(TrainingFault):
    """Numbers that are not finite, or losses that no longer say anything."""


class RolledBack(Exception):
    """The run stands at an earlier iteration now, from where its loop goes on."""
