"""Names things: settings, errors, logs, metrics, clock, ids, paths. Imports nothing of Stentor."""
