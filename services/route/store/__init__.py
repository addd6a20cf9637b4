"""Route's own Postgres: batch.py is the stage's load and save, intake.py the other stage's, reading.py what the API shows."""
