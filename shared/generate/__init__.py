"""The documents that come from the code: JSON Schemas, AsyncAPI, the README's picture. `python -m shared.generate` writes them, `--check` compares."""
