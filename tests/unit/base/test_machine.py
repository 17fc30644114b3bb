"""What the kernel tells of this machine is read, and what it does not tell is None."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from stentor.base import machine as this
from stentor.base.machine import (
    descriptors_here,
    descriptors_of,
    interface_bits_per_s,
    memory_bytes,
    memory_free_bytes,
    memory_here_bytes,
    read_machine,
)
from stentor.base.timekeeping import read_timekeeping


def test_a_machine_has_cores_memory_and_a_kernel() -> None:
    machine = read_machine()
    assert machine.cores == len(os.sched_getaffinity(0))
    assert machine.memory_bytes == memory_bytes("MemTotal") > 0
    assert machine.kernel.startswith("Linux ")
    assert memory_bytes("NoSuchFigure") == 0


def test_what_is_free_is_less_than_what_there_is() -> None:
    free = memory_free_bytes()
    assert free is not None
    assert 0 < free < memory_bytes("MemTotal")


def test_limit_of_a_container_counts_and_what_it_read_once_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(this, "_CGROUPS", tmp_path)
    (tmp_path / "memory.max").write_text("5000000\n")
    (tmp_path / "memory.current").write_text("3000000\n")
    assert memory_free_bytes() == 2_000_000
    (tmp_path / "memory.stat").write_text("anon 1000000\nfile 900000\ninactive_file 700000\n")
    assert memory_free_bytes() == 2_700_000
    (tmp_path / "memory.max").write_text("max\n")
    assert memory_free_bytes() == pytest.approx(memory_bytes("MemAvailable"), rel=0.3)


def test_a_process_limit_of_memory_counts_for_that_process() -> None:
    code = (
        "import resource\n"
        "from stentor.base.machine import memory_here_bytes\n"
        "resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))\n"
        "print(memory_here_bytes())"
    )
    here = memory_here_bytes()
    assert here == pytest.approx(memory_free_bytes(), rel=0.3)
    told = subprocess.check_output([sys.executable, "-c", code], text=True, timeout=60)
    assert 0 < int(told) < 2 << 30


def test_a_process_limit_of_descriptors_is_read_where_there_is_such_a_process() -> None:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert descriptors_of(os.getpid()) == (1_000_000 if soft == resource.RLIM_INFINITY else soft)
    assert descriptors_of(1 << 30) is None


def test_loopback_says_nothing_of_how_fast_it_is() -> None:
    assert interface_bits_per_s("127.0.0.1") is None


def test_the_kernel_says_whether_the_clock_is_kept_and_then_how_well() -> None:
    kept = read_timekeeping()
    assert kept.synchronised in (True, False, None)
    assert (kept.error_s is not None) is (kept.synchronised is True)


def test_descriptors_that_may_be_had_here_are_the_hard_limit() -> None:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    assert descriptors_here() == (1_000_000 if hard == resource.RLIM_INFINITY else hard)
    kept = descriptors_of(os.getpid())
    assert kept is not None
    assert kept <= descriptors_here()
