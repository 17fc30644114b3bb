"""What hardly any harmless evening reaches: written by `bench/verdict.py`."""

FLOORS = {
    "false 1": 1.0173,
    "mute 1": 1.7635,
    "heavy 1": 0.1429,
    "strangers 1": 3.0238,
    "soon 1": 0.7015,
    "reloads 1": 2.039,
    "unspoken 1": 0.7301,
    "looked 1": 7.0307,
    "false 2": 0.918,
    "mute 2": 1.7917,
    "heavy 2": 0.1431,
    "strangers 2": 3.7487,
    "soon 2": 0.8526,
    "reloads 2": 1.9434,
    "unspoken 2": 0.4452,
    "looked 2": 5.6042,
    "together": 1.1667,
}
