"""Console: the operator's window: CLI and read models. Promises to change nothing by itself."""
