"""Containers and manifests, as far as they can be judged without an engine."""
