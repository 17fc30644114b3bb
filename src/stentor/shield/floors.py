"""What hardly any harmless evening reaches: written by `bench/verdict.py`."""

FLOORS = {
    "false 1": 0.6224,
    "mute 1": 0.7275,
    "heavy 1": 0.05,
    "strangers 1": 2.8958,
    "soon 1": 0.0916,
    "reloads 1": 0.899,
    "unspoken 1": 0.3657,
    "looked 1": 11.5313,
    "again 1": 0.7076,
    "false 2": 0.6667,
    "mute 2": 0.5492,
    "heavy 2": 0.05,
    "strangers 2": 3.3433,
    "soon 2": 0.1065,
    "reloads 2": 0.7409,
    "unspoken 2": 0.2427,
    "looked 2": 21.2462,
    "again 2": 0.6702,
    "together": 1.3293,
}
