"""Processes: started, watched, replaced when they die, and stopped in order."""
