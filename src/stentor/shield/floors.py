"""Written by `bench/verdict.py`: what few harmless evenings reach (strangers: 0.6 of that)."""

FLOORS = {
    "false 1": 0.5615,
    "mute 1": 0.7293,
    "heavy 1": 0.05,
    "strangers 1": 2.8233,
    "soon 1": 0.087,
    "reloads 1": 0.1117,
    "unspoken 1": 0.2801,
    "again 1": 0.4947,
    "false 2": 0.4634,
    "mute 2": 0.5875,
    "heavy 2": 0.05,
    "strangers 2": 3.0525,
    "soon 2": 0.1061,
    "reloads 2": 0.05,
    "unspoken 2": 0.2135,
    "again 2": 0.3537,
    "together": 1.5007,
}
