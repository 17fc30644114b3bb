"""What this process may do to the kernel, and giving up what the guard does not need of it."""

import ctypes
from pathlib import Path

CAP_NET_ADMIN, CAP_PERFMON, CAP_BPF = 12, 38, 39  # linux/capability.h
_NEEDED = (CAP_NET_ADMIN, CAP_PERFMON, CAP_BPF)
# To make its socket as the data folder's owner, and to answer whoever may not be written to.
_CAP_DAC_OVERRIDE, _CAP_SETGID, _CAP_SETUID = 1, 6, 7
_KEPT = (*_NEEDED, _CAP_DAC_OVERRIDE, _CAP_SETGID, _CAP_SETUID)
_CAPABILITIES = 64
_PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS = 24, 38  # linux/prctl.h
_VERSION_3 = 0x2008_0522


def may_guard() -> bool:
    """Say whether this process may tell the kernel whom to drop (CAP_NET_ADMIN)."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return False
    effective = next((line.split()[1] for line in lines if line.startswith("CapEff:")), "0")
    return bool(int(effective, 16) >> CAP_NET_ADMIN & 1)


class _Header(ctypes.Structure):
    _fields_ = [("version", ctypes.c_uint32), ("pid", ctypes.c_int)]


class _Data(ctypes.Structure):
    _fields_ = [
        ("effective", ctypes.c_uint32),
        ("permitted", ctypes.c_uint32),
        ("inheritable", ctypes.c_uint32),
    ]


def give_up_the_rest() -> bool:
    """Keep of root's rights what the guard needs; say whether the kernel agreed (capset(2))."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    for number in range(_CAPABILITIES):
        if number not in _KEPT:
            libc.prctl(_PR_CAPBSET_DROP, number, 0, 0, 0)
    header, data = _Header(_VERSION_3, 0), (_Data * 2)()
    if libc.capget(ctypes.byref(header), data):
        return False
    for word in range(2):
        kept = sum(1 << number % 32 for number in _KEPT if number // 32 == word)
        data[word].effective &= kept
        data[word].permitted &= kept
        data[word].inheritable = 0
    return not libc.capset(ctypes.byref(header), data)
