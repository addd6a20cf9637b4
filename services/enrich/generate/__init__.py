"""The tables of enrich that come from libraries: `python -m services.enrich.generate` writes them, and nothing else loads those libraries."""
