"""`make bench`: Leadflow and a textbook stack under the same load on the same machine. Writes RESULTS.md; promises nothing, measures."""
