"""From what sources say to accounts: the one reconcile, and the writes of a pushing provider."""
