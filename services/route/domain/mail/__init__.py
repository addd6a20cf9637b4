"""Mail, decided: what of the topics is mailed to whom, what an answer means, whether it may still be sent, how a letter is made. Nothing is sent here."""
