"""`make bench`: Leadflow, its bare core and a textbook stack under the same load on the same machine. Writes RESULTS.md; promises nothing, measures."""
