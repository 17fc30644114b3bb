"""The deployment's secrets: made once, kept at mode 0600, and refused if others could read them.

A secret is never logged and never shown in an error. Whoever starts first makes it; two who start
at once get the same one, because a secret appears in the folder whole or not at all.
"""

import contextlib
import os
import re
import stat
from collections.abc import Callable
from pathlib import Path

from stentor.base.errors import ConfigurationError
from stentor.base.ids import RandomBytes
from stentor.base.paths import DataFolder

KEY_BYTES = 32
_TOKEN = re.compile(rb"[0-9a-f]{64}\Z")


def load_or_make_key(path: Path, random_bytes: RandomBytes = os.urandom) -> bytes:
    """Return the 32 bytes at `path`, made now if there are none yet."""
    key = _load_or_make(path, lambda: random_bytes(KEY_BYTES))
    if len(key) != KEY_BYTES:
        raise ConfigurationError(f"{path} is not a key of {KEY_BYTES} bytes; move it away.")
    return key


def load_or_make_token(path: Path, random_bytes: RandomBytes = os.urandom) -> str:
    """Return the token at `path` (64 hexadecimal digits), made now if there is none yet."""
    token = _load_or_make(path, lambda: random_bytes(KEY_BYTES).hex().encode() + b"\n").strip()
    if _TOKEN.match(token) is None:
        raise ConfigurationError(f"{path} is not a token of 64 hexadecimal digits; move it away.")
    return token.decode()


def link_key(folder: DataFolder, random_bytes: RandomBytes = os.urandom) -> bytes:
    """Return the key that signs links (stentor.rooms.links)."""
    return load_or_make_key(folder.secrets / "link.key", random_bytes)


def door_key(folder: DataFolder, random_bytes: RandomBytes = os.urandom) -> bytes:
    """Return the key that signs places in line (stentor.admission.tickets)."""
    return load_or_make_key(folder.secrets / "door.key", random_bytes)


def operator_token(folder: DataFolder, random_bytes: RandomBytes = os.urandom) -> str:
    """Return the token that lets its bearer do everything at control."""
    return load_or_make_token(folder.secrets / "operator.token", random_bytes)


def load_secret(path: Path) -> bytes | None:
    """Return the secret at `path`, or None; refuses a file that others could read."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigurationError(f"The secret {path} cannot be read: {error.strerror}.") from None
    with os.fdopen(handle, "rb") as file:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            raise ConfigurationError(f"{path} is not a file.")
        if stat.S_IMODE(status.st_mode) & 0o077:
            raise ConfigurationError(
                f"Others can read the secret {path}; `chmod 600` it, or better, make a new one."
            )
        return file.read(4096)


def replace_secret(path: Path, data: bytes) -> None:
    """Put a secret at `path`, whole or not at all, in place of what was there."""
    scratch = _scratch(path)
    try:
        _write_scratch(scratch, data)
        scratch.replace(path)
    except OSError as error:
        raise ConfigurationError(f"The secret {path} cannot be kept: {error.strerror}.") from None


def _load_or_make(path: Path, make: Callable[[], bytes]) -> bytes:
    found = load_secret(path)
    if found is not None:
        return found
    scratch = _scratch(path)
    try:
        _write_scratch(scratch, make())
        with contextlib.suppress(FileExistsError):  # another process was first: its secret counts
            os.link(scratch, path)
    except OSError as error:
        raise ConfigurationError(f"The secret {path} cannot be made: {error.strerror}.") from None
    finally:
        with contextlib.suppress(OSError):
            scratch.unlink()
    made = load_secret(path)
    if made is None:
        raise ConfigurationError(f"The secret {path} vanished while it was being made.")
    return made


def _scratch(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.new")


def _write_scratch(scratch: Path, data: bytes) -> None:
    scratch.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with contextlib.suppress(FileNotFoundError):
        scratch.unlink()
    with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
