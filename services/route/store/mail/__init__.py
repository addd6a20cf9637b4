"""Mail in route's store: kept.py writes what the topics tell, sending.py is a worker's side of it, happening.py what became of mails, shown.py what an operator sees and does."""
