"""Real listeners beside a trial: loads in threads of their own, ended together whatever happens."""

import threading
import time
from collections.abc import Callable

from stentor.load.plan import Plan
from stentor.load.report import Tally
from stentor.load.run import Sums, run_load

Tell = Callable[[Sums], None]


def _silent(_sums: Sums) -> None:
    return


class Load:
    """One load: when it began, and how it goes."""

    def __init__(self, plan: Plan, tell: Tell) -> None:
        self._plan = plan
        self._tell = tell
        self._over = False
        self._error: BaseException | None = None
        self._began_s = 0.0
        self.heard = self.waiting = 0
        self.tally = Tally()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def await_beginning(self) -> float:
        """Return when its first listener came, or was to; raises what ended it before."""
        while not self._began_s:
            if not self._thread.is_alive():
                self.join()
                return time.monotonic()
            time.sleep(0.01)
        return self._began_s

    def stop(self) -> None:
        """Let it end within about a second."""
        self._over = True

    def wait(self) -> None:
        """Wait for its end, however it ends."""
        self._thread.join()

    def join(self) -> None:
        """Wait for its end; raises what went wrong."""
        self._thread.join()
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        try:
            self.tally = run_load(self._plan, self._look)
        except BaseException as error:
            self._error = error

    def _look(self, sums: Sums) -> bool:
        self._began_s = time.monotonic() - sums.passed_s
        self.heard, self.waiting = sums.heard, sums.waiting
        self._tell(sums)
        return self._over


class Loads:
    """All loads of a trial; use it as a context."""

    def __init__(self) -> None:
        self._loads: list[Load] = []

    def __enter__(self) -> "Loads":
        return self

    def __exit__(self, *_exception: object) -> None:
        for one in self._loads:
            one.stop()
        for one in self._loads:
            one.wait()

    def __len__(self) -> int:
        return len(self._loads)

    @property
    def heard(self) -> int:
        """How many have heard audio so far."""
        return sum(one.heard for one in self._loads)

    def begin(self, plan: Plan, tell: Tell = _silent) -> Load:
        """Begin one more."""
        self._loads.append(Load(plan, tell))
        return self._loads[-1]

    def end(self) -> Tally:
        """Let all end; return what their listeners saw together. Raises what went wrong."""
        total = Tally()
        for one in self._loads:
            one.stop()
        for one in self._loads:
            one.join()
            total.merge(one.tally)
        return total
