"""One child process: how it is started, given the word to begin, asked to stop, and reaped.

A child never outlives its parent (the kernel sees to that), never gets the terminal's Ctrl-C (its
parent decides the order of stopping), and can be waited for by a descriptor.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


def _die_with_parent() -> None:
    _libc.prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)


class Process:
    """A started child. `exit_code` is None until it has been reaped."""

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], *, waits: bool = False
    ) -> None:
        """Start it; one that `waits` begins its work when `release` is called."""
        self._popen = subprocess.Popen(
            command,
            env=dict(environment),
            stdin=subprocess.PIPE if waits else subprocess.DEVNULL,
            process_group=0,
            preexec_fn=_die_with_parent,  # noqa: PLW1509  (this process has one thread)
        )
        self.pid = self._popen.pid
        self.descriptor = os.pidfd_open(self.pid)

    @property
    def exit_code(self) -> int | None:
        """The exit code once reaped, negative for a signal."""
        return self._popen.returncode

    def release(self) -> None:
        """Tell a waiting child to begin."""
        stdin = self._popen.stdin
        if stdin is not None:
            with contextlib.suppress(OSError):
                stdin.write(b"go\n")
                stdin.flush()

    def stop(self) -> None:
        """Ask it to end."""
        with contextlib.suppress(ProcessLookupError):
            self._popen.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        with contextlib.suppress(ProcessLookupError):
            self._popen.kill()

    def reap(self) -> bool:
        """Say whether it has ended."""
        return self._popen.poll() is not None

    def close(self) -> None:
        """Let go of the descriptors of a process that has ended."""
        os.close(self.descriptor)
        if self._popen.stdin is not None:
            with contextlib.suppress(OSError):
                self._popen.stdin.close()


def ended_by(exit_code: int) -> str:
    """Return how a process ended, as a log says it."""
    if exit_code >= 0:
        return f"exit code {exit_code}"
    try:
        return signal.Signals(-exit_code).name
    except ValueError:
        return f"signal {-exit_code}"
