"""The method's figures as `bench/verdict.py` measured them; not written by hand."""

from stentor.evidence.weighing import Method, Weight

METHOD = Method(
    weights=(
        Weight("false_rate", 0.47, 0.22339, 0.45075),
        Weight("false_share", 0.17021, 0.09648, 0.46154),
        Weight("false_scan", 1.34996, 0.30759, 0.72374),
        Weight("mute_share", 0.23823, 0.28251, 0.76722),
        Weight("mute_scan", 1.86464, 0.74144, 0.66778),
        Weight("repeaters", 0.0, 0.64185, 1.02604),
        Weight("heavy_share", 0.0, 0.03, 0.99497),
        Weight("strangers", 0.181, 0.14818, 1.12017),
        Weight("stranger_score", 2.01646, 0.84258, 1.1377),
        Weight("stranger_scan", 2.19695, 0.8313, 0.86453),
        Weight("soon_share", 0.1982, 0.48518, 0.75899),
        Weight("soon_scan", 1.56419, 1.12973, 0.82111),
        Weight("unproved", 1.07752, 0.43483, 1.15627),
        Weight("unlooked", 1.19557, 0.51962, 0.74061),
        Weight("only_looked", 1.82254, 0.8712, 0.52934),
        Weight("only_look", 3.47586, 0.88614, 0.02198),
        Weight("looked_again", 1.07762, 0.56559, 0.56809),
        Weight("unspoken", 1.91082, 0.79517, 0.30996),
        Weight("rested", 2.86519, 0.88835, 0.59146),
        Weight("reloads", 0.16662, 0.24824, 0.63345),
        Weight("requests", 1.47068, 0.60882, 0.57158),
    ),
    intercept=-2.15315,
    low=-0.84628,
    high=2.48974,
    unseen_max=0.95,
    slope=1.0147,
    offset=-0.3319,
    measured={
        "evenings": "200 a class, seed 11: to be measured",
    },
)
