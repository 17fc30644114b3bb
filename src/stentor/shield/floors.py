"""What no harmless evening has reached, by sign: written by `bench/verdict.py`."""

FLOORS = {
    "false": 1.1979,
    "mute": 3.1272,
    "heavy": 0.3038,
    "strangers": 11.2848,
    "soon": 0.575,
    "reloads": 2.4453,
    "unspoken": 1.0389,
    "other": 3.958,
    "early": 0.2464,
}
