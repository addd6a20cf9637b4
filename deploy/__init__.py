"""How Leadflow is run: images, manifests and the local stack. Holds no product code."""
