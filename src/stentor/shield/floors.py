"""What hardly any harmless evening reaches: written by `bench/verdict.py`."""

FLOORS = {
    "false": 1.0202,
    "mute": 2.6403,
    "heavy": 0.1427,
    "strangers": 3.5788,
    "soon": 0.3039,
    "reloads": 2.0655,
    "unspoken": 0.8943,
    "other": 3.8875,
    "early": 0.7198,
}
