"""`leads import`: a file of rows through capture's door. rows.py reads the file, event.py says what a row means, door.py sends, progress.py remembers, run.py puts them together."""
