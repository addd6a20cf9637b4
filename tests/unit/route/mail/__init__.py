"""Mail, decided."""
