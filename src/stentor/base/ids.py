"""Names for rooms, links and sessions. Chance is passed in, so that a test can fix it."""

import re
from collections.abc import Callable

RandomBytes = Callable[[int], bytes]

_ALPHABET = "23456789abcdefghjkmnpqrstvwxyz"  # nothing that is mistaken for something else
_LISTED_LETTERS = 4
_UNLISTED_LETTERS = 16
_ROOM = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?\Z")


def is_room_id(text: str) -> bool:
    """Say whether `text` may name a room: lower-case letters, digits and inner hyphens, ≤ 64."""
    return _ROOM.match(text) is not None


def readable_id(length: int, random_bytes: RandomBytes) -> str:
    """Return `length` characters that a person can read aloud; 4.9 bits of chance each."""
    letters: list[str] = []
    while len(letters) < length:
        for byte in random_bytes(length * 2):
            if byte < 240 and len(letters) < length:  # 240 = 8 × 30: no letter is favoured
                letters.append(_ALPHABET[byte % 30])
    return "".join(letters)


def room_id(title: str, random_bytes: RandomBytes, *, listed: bool = True) -> str:
    """Return a room's id: a slug of its title and some letters of chance.

    A listed room's letters only keep two rooms apart. An unlisted room's address is its secret:
    78 bits that nobody guesses.
    """
    slug = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:40].rstrip("-")
    letters = _LISTED_LETTERS if listed else _UNLISTED_LETTERS
    return f"{slug or 'room'}-{readable_id(letters, random_bytes)}"
