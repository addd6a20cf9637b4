"""Backtests at work: the service hands out the leads piece by piece (runs.py), processes beside it fold them (worker.py), so that its own
loop never waits. What is found is decided in domain/backtest, kept by store/backtests.py, and asked for over HTTP (routes.py)."""
