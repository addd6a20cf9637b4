"""The documents that come from the code: JSON Schemas, AsyncAPI, the README's picture, the table of metrics. `python -m shared.generate` writes them, `--check` compares."""
