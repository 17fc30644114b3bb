"""What hardly any harmless evening reaches: written by `bench/verdict.py`."""

FLOORS = {
    "false 1": 0.7547,
    "mute 1": 0.7221,
    "heavy 1": 0.0851,
    "strangers 1": 2.5917,
    "soon 1": 0.1072,
    "reloads 1": 1.4618,
    "unspoken 1": 0.9234,
    "looked 1": 5.3782,
    "again 1": 0.6962,
    "false 2": 0.7547,
    "mute 2": 0.5636,
    "heavy 2": 0.0823,
    "strangers 2": 2.8438,
    "soon 2": 0.1208,
    "reloads 2": 1.187,
    "unspoken 2": 0.8136,
    "looked 2": 8.7875,
    "again 2": 0.6469,
    "together": 1.3249,
}
