"""Written by `bench/verdict.py`: what few harmless evenings reach (strangers: 0.6 of that)."""

FLOORS = {
    "false 1": 0.4936,
    "mute 1": 0.7355,
    "heavy 1": 0.05,
    "strangers 1": 2.7364,
    "soon 1": 0.0819,
    "reloads 1": 0.1324,
    "unspoken 1": 0.303,
    "again 1": 0.4775,
    "false 2": 0.4549,
    "mute 2": 0.6102,
    "heavy 2": 0.05,
    "strangers 2": 3.1472,
    "soon 2": 0.1075,
    "reloads 2": 0.05,
    "unspoken 2": 0.2331,
    "again 2": 0.3595,
    "together": 1.5687,
}
