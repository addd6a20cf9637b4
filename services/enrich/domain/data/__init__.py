"""Tables that were made elsewhere, with their source, licence and date inside; `python -m services.enrich.generate` writes them."""
