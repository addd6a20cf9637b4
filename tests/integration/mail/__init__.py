"""Mail: a store, a real SMTP server that misbehaves as it is told, and whole processes that are killed."""
