-- How an activity is judged by what many events tell together, or by an operator; for nearly all nothing.
ALTER TABLE activity ADD COLUMN verdict bytea;
