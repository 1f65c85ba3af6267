"""The promises of the store, proved by attack."""
