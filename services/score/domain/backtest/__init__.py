"""A backtest's decisions: what two rulesets make of one lead as it was known at a moment, and what that comes to over many. No IO."""
