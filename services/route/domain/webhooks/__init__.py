"""Webhooks, decided: what is told to whom, what an answer means, when to try again, and which addresses may be spoken to. Nothing is sent here."""
