"""What the console knows without asking anybody: dead letters, one lead's journey, what a record says in one line."""
