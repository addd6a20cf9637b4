"""The loop of one stage in one instance: claim, gather, decode, one transaction, emit, commit. Each room does one of these."""

from shared.runner.loop import Runner

__all__ = ["Runner"]
