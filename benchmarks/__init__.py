"""Seeded flow-log data, and the ingest benchmark that runs flowdb beside its peers."""
