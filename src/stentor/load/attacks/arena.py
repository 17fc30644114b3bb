"""A network namespace of one's own: many addresses, no way out, and gone with its last process.

This process leaves the machine's network for good, and whatever it starts is born inside. Needs
root, or a kernel that lets a user make namespaces.
"""

import ctypes
import os
import subprocess
import threading

from stentor.base.errors import UnavailableError
from stentor.load.attacks.aim import ARENA_ADDRESS, ARENA_V6_PREFIX

_CLONE_NEWNET = 0x40000000
# The far end of the pair is where what is sent to lost addresses goes, and ends.
_FURNISH = (
    "link set lo up",
    "link add stentor0 type veth peer name stentor1",
    f"address add {ARENA_ADDRESS}/16 dev stentor0",
    "link set stentor0 arp off up",
    "link set stentor1 up",
    f"-6 route add local {ARENA_V6_PREFIX} dev lo",
)


def enter_arena() -> None:
    """Leave the machine's network for a namespace of one's own; raises `UnavailableError`.

    To be called before there are threads: they would stay outside.
    """
    if threading.active_count() > 1:
        raise UnavailableError("An arena is entered before there are threads.")
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWNET):
        why = os.strerror(ctypes.get_errno())
        raise UnavailableError(f"A network namespace needs root: {why}.")
    for words in _FURNISH:
        try:
            done = subprocess.run(["ip", *words.split()], capture_output=True, check=False)
        except FileNotFoundError:
            raise UnavailableError("The program `ip` is missing (iproute2).") from None
        if done.returncode:
            raise UnavailableError(f"ip {words}: {done.stderr.decode().strip()}.")
