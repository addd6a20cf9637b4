"""What boards ask again and again, in Prometheus' language."""

from __future__ import annotations

_WINDOW = "[5m]"


def rate(metric: str, by: str, where: str = "") -> str:
    """Per second, over five minutes."""
    return f"sum by ({by}) (rate({metric}{where}{_WINDOW}))"


def quantile(share: float, metric: str, by: str, where: str = "") -> str:
    """The value that this share of a histogram's observations of five minutes does not pass."""
    return f"histogram_quantile({share}, sum by ({by}, le) (rate({metric}_bucket{where}{_WINDOW})))"
