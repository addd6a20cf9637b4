"""What is generated from route's tables: `python -m services.route.generate` writes the picture of a handover's states into the README."""
