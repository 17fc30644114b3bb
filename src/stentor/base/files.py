"""A small file that others read while it is written anew: they find the old one or the new one.

Not synced: after a crash of the machine either may be there, or an empty one. Secrets, orders and
recordings, which must outlive that, have ways of their own.
"""

import os
from pathlib import Path


def replace_file(path: Path, data: bytes, mode: int | None = None) -> None:
    """Put `data` at `path`, whole or not at all; raises `OSError` if it cannot be.

    `mode` is of the new file; None: as the process makes files.
    """
    scratch = path.with_name(f"{path.name}.{os.getpid()}.new")
    scratch.write_bytes(data)
    if mode is not None:
        scratch.chmod(mode)
    scratch.replace(path)
