"""Tables that people edit: fields.tsv says what the fields of forms are called. Read by aliases.py; no code here."""
