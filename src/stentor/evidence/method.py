"""The method's figures as `bench/verdict.py` measured them; not written by hand."""

from stentor.evidence.weighing import Method, Weight

METHOD = Method(
    weights=(
        Weight("false_rate", 0.5737, 0.14415, 0.98214),
        Weight("false_share", 0.17712, 0.0503, 0.44193),
        Weight("mute_rate", 1.43501, 0.78071, 0.63504),
        Weight("mute_share", 0.20204, 0.20982, 1.23582),
        Weight("heavy_share", 0.03988, 0.1125, 2.24438),
        Weight("strangers", 0.28836, 0.13775, 0.73128),
        Weight("stranger_score", 2.20427, 0.64066, 2.7045),
        Weight("left_soon", 0.36806, 0.18819, 0.60503),
        Weight("early", 0.0, 0.27917, 0.0),
        Weight("idle", 0.11884, 0.17688, 0.0),
        Weight("reloads", 0.01518, 0.07281, 0.30044),
        Weight("requests", 1.19272, 0.48985, 0.0),
        Weight("unspoken", 0.95779, 0.26465, 0.0),
        Weight("full", 0.19212, 0.72002, 0.0),
    ),
    intercept=-2.10174,
    low=0.12306,
    high=3.37861,
    slope=0.619,
    offset=-0.5198,
    measured={
        "evenings": "22 a class: provisional",
    },
)
