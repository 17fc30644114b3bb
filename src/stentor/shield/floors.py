"""What hardly any harmless evening reaches: written by `bench/verdict.py`."""

FLOORS = {
    "false 1": 0.6914,
    "mute 1": 1.1599,
    "heavy 1": 0.2239,
    "strangers 1": 2.8969,
    "soon 1": 0.5038,
    "reloads 1": 1.7608,
    "unspoken 1": 0.8565,
    "looked 1": 4.0378,
    "again 1": 0.6254,
    "false 2": 0.7633,
    "mute 2": 1.1929,
    "heavy 2": 0.2767,
    "strangers 2": 3.5452,
    "soon 2": 0.5166,
    "reloads 2": 1.805,
    "unspoken 2": 0.591,
    "looked 2": 5.4377,
    "again 2": 0.6281,
    "together": 1.22,
}
