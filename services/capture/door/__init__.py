"""The public routes. door.py finds the route of a request, desk.py is what all routes share, and each other module holds the routes of one kind of sender."""
