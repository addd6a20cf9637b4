"""The services. They talk over topics only: none imports another."""
