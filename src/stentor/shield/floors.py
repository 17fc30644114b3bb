"""What no harmless evening has reached, by sign: written by `bench/verdict.py`, not by hand."""

FLOORS = {
    "false": 1.0,
    "mute": 1.0,
    "heavy": 0.3,
    "strangers": 4.0,
    "soon": 0.6,
    "reloads": 1.0,
    "unspoken": 0.8,
    "other": 2.0,
    "early": 0.5,
}
