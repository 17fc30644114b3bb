"""Turns the programme into parts: by the clock, whole, recorded before anyone hears them."""
