"""The words that a report answers with. Decides nothing."""

from enum import StrEnum


class Word(StrEnum):
    """The verdict in a word."""

    QUIET = "quiet"
    CROWD = "flash crowd"
    WITHSTOOD = "attack withstood"
    ATTACK = "attack-caused"
    BOTH = "overload, attack not necessary"
    EITHER = "overload, attack or not"  # too many waited to say whether there was one
    OWN = "self-inflicted"
    UNTOLD = "cannot be told"


class Told(StrEnum):
    """What is answered to one question."""

    YES = "yes"
    NO = "no"
    UNTOLD = "cannot be told"
