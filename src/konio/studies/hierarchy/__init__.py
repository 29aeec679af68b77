"""Paper B's experiments: base classifiers, two levels, cost and cut point, and what leakage would have shown."""
