"""The database's history, shipped with the program and run at its start."""
