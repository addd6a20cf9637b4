"""Webhooks of vendors: one module each of one shape (vendor.Vendor), the table of them and how one post is judged (table.py). Nothing here does IO."""
