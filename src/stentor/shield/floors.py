"""What hardly any harmless evening reaches: written by `bench/verdict.py`."""

FLOORS = {
    "false 1": 0.5632,
    "mute 1": 0.7203,
    "heavy 1": 0.05,
    "strangers 1": 3.8016,
    "soon 1": 0.0842,
    "reloads 1": 1.4581,
    "unspoken 1": 0.4245,
    "looked 1": 27.9652,
    "again 1": 0.6814,
    "false 2": 0.577,
    "mute 2": 0.589,
    "heavy 2": 0.05,
    "strangers 2": 4.6488,
    "soon 2": 0.0975,
    "reloads 2": 1.046,
    "unspoken 2": 0.2662,
    "looked 2": 51.0107,
    "again 2": 0.6189,
    "together": 1.3684,
}
