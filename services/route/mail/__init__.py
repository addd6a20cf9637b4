"""Mail: templates.py makes texts, smtp.py speaks to the server, sending.py works off what is due, telling.py tells what became of it, mailbox.py reads what comes back."""
