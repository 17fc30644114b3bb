"""The method's figures as `bench/verdict.py` measured them; not written by hand."""

from stentor.evidence.weighing import Method, Weight

METHOD = Method(
    weights=(
        Weight("false_rate", 0.53063, 0.22319, 1.2055),
        Weight("false_share", 0.175, 0.09476, 0.0),
        Weight("mute_rate", 1.38629, 0.75313, 0.58251),
        Weight("mute_share", 0.25, 0.27447, 0.27993),
        Weight("repeaters", 0.0, 0.81091, 0.89295),
        Weight("heavy_share", 0.00919, 0.14055, 1.89039),
        Weight("strangers", 0.1575, 0.15487, 1.33944),
        Weight("stranger_score", 1.65622, 0.96261, 2.24858),
        Weight("left_soon", 0.34103, 0.23935, 1.27684),
        Weight("early", 0.0, 0.4175, 0.45402),
        Weight("idle", 0.13889, 0.37648, 0.24334),
        Weight("reloads", 0.02675, 0.08087, 0.34907),
        Weight("requests", 1.23876, 0.63691, 0.85761),
        Weight("unspoken", 0.95421, 0.32531, 0.0),
        Weight("full", 0.2277, 0.68691, 0.0),
    ),
    intercept=-2.00988,
    low=-0.55665,
    high=2.6491,
    slope=1.0448,
    offset=-0.2531,
    measured={
        "evenings": "300 a class, seed 1, code bfc334e",
        "harmless evenings called an attack": "2 of 900",
        "attacks of unseen families missed": "106 of 600",
        "… of people's demand or more": "21 of 396",
        "perfect mimics told from people": "4 of 300",
    },
)
