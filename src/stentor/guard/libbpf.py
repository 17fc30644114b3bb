"""The few functions of libbpf that XDP needs, by ctypes: load, look up, attach, let go.

A contract test holds what is declared here against the library on the machine. Nothing is pinned:
what is loaded lives as long as this process's descriptors do.
"""

import ctypes
import os
from pathlib import Path

from stentor.guard.kernel import KernelRefused

_LIBRARY = "libbpf.so.1"
_ATTACH_XDP = 37  # BPF_XDP, linux/bpf.h
_SKB_MODE = 1 << 1  # XDP_FLAGS_SKB_MODE, linux/if_link.h
_QUIET = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)(
    lambda *_: 0
)
_SIGNATURES: dict[str, tuple[object, tuple[object, ...]]] = {
    "libbpf_set_print": (ctypes.c_void_p, (type(_QUIET),)),
    "libbpf_num_possible_cpus": (ctypes.c_int, ()),
    "bpf_object__open_file": (ctypes.c_void_p, (ctypes.c_char_p, ctypes.c_void_p)),
    "bpf_object__load": (ctypes.c_int, (ctypes.c_void_p,)),
    "bpf_object__close": (None, (ctypes.c_void_p,)),
    "bpf_object__find_program_by_name": (ctypes.c_void_p, (ctypes.c_void_p, ctypes.c_char_p)),
    "bpf_program__fd": (ctypes.c_int, (ctypes.c_void_p,)),
    "bpf_object__find_map_fd_by_name": (ctypes.c_int, (ctypes.c_void_p, ctypes.c_char_p)),
    "bpf_map_update_elem": (
        ctypes.c_int,
        (ctypes.c_int, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_uint64),
    ),
    "bpf_map_lookup_elem": (ctypes.c_int, (ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)),
    "bpf_map_delete_elem": (ctypes.c_int, (ctypes.c_int, ctypes.c_char_p)),
    "bpf_link_create": (
        ctypes.c_int,
        (ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_void_p),
    ),
    "bpf_prog_test_run_opts": (ctypes.c_int, (ctypes.c_int, ctypes.c_void_p)),
}


class _LinkOptions(ctypes.Structure):
    """The beginning of `struct bpf_link_create_opts`; the rest is as if zero."""

    _fields_ = [("size", ctypes.c_size_t), ("flags", ctypes.c_uint32), ("unused", ctypes.c_uint32)]


class _TestOptions(ctypes.Structure):
    """`struct bpf_test_run_opts`, as far as libbpf 1.0 has it."""

    _fields_ = [
        ("size", ctypes.c_size_t),
        ("data_in", ctypes.c_char_p),
        ("data_out", ctypes.c_void_p),
        ("data_size_in", ctypes.c_uint32),
        ("data_size_out", ctypes.c_uint32),
        ("context_in", ctypes.c_void_p),
        ("context_out", ctypes.c_void_p),
        ("context_size_in", ctypes.c_uint32),
        ("context_size_out", ctypes.c_uint32),
        ("retval", ctypes.c_uint32),
        ("repeat", ctypes.c_int),
        ("duration", ctypes.c_uint32),
        ("flags", ctypes.c_uint32),
        ("cpu", ctypes.c_uint32),
        ("batch_size", ctypes.c_uint32),
    ]


def open_library() -> ctypes.CDLL:
    """Return libbpf with its functions declared; raises `KernelRefused` where it is not."""
    try:
        library = ctypes.CDLL(_LIBRARY, use_errno=True)
        for name, (result, arguments) in _SIGNATURES.items():
            function = getattr(library, name)
            function.restype, function.argtypes = result, arguments
    except (OSError, AttributeError) as error:
        raise KernelRefused(f"{_LIBRARY} cannot be used: {error}") from None
    library.libbpf_set_print(_QUIET)
    return library


class Loaded:
    """One BPF object in the kernel: its program and its maps."""

    def __init__(self, file: Path, program: str) -> None:
        """Load it; raises `KernelRefused`."""
        self._library = open_library()
        self.cpus: int = self._library.libbpf_num_possible_cpus()
        self._links: list[int] = []
        self._object: int | None = self._library.bpf_object__open_file(str(file).encode(), None)
        if not self._object:
            raise KernelRefused(f"{file.name} is no BPF object")
        code = self._library.bpf_object__load(self._object)
        if code:
            self.close()
            raise KernelRefused(f"the program was not loaded: {os.strerror(-code)}")
        found = self._library.bpf_object__find_program_by_name(self._object, program.encode())
        self._program: int = self._library.bpf_program__fd(found) if found else -1
        if self._program < 0:
            self.close()
            raise KernelRefused(f"{file.name} has no program {program}")

    def map(self, name: str) -> int:
        """Return a map's descriptor."""
        descriptor: int = self._library.bpf_object__find_map_fd_by_name(self._object, name.encode())
        if descriptor < 0:
            raise KernelRefused(f"there is no map {name}")
        return descriptor

    def put(self, map_: int, key: bytes, value: bytes) -> None:
        """Set an element of a map."""
        code = self._library.bpf_map_update_elem(map_, key, value, 0)
        if code:
            raise KernelRefused(f"the map did not take it: {os.strerror(-code)}")

    def take(self, map_: int, key: bytes) -> None:
        """Remove an element, if it is there."""
        self._library.bpf_map_delete_elem(map_, key)

    def look(self, map_: int, key: bytes, size: int) -> bytes | None:
        """Return an element's value, of so many bytes; None: there is none."""
        value = ctypes.create_string_buffer(size)
        if self._library.bpf_map_lookup_elem(map_, key, value):
            return None
        return value.raw

    def attach(self, interface: int) -> str:
        """Put the program before an interface; return the mode, `driver` or `generic`.

        The link lasts as long as its descriptor, which this process holds.
        """
        for mode, flags in (("driver", 0), ("generic", _SKB_MODE)):
            options = _LinkOptions(ctypes.sizeof(_LinkOptions), flags, 0)
            link = self._library.bpf_link_create(
                self._program, interface, _ATTACH_XDP, ctypes.byref(options)
            )
            if link >= 0:
                self._links.append(link)
                return mode
        raise KernelRefused(f"it was not attached: {os.strerror(-link)}")

    def run(self, packet: bytes, repeat: int = 1) -> tuple[int, int]:
        """Run the program on a packet in the kernel; return its verdict and ns for one run."""
        options = _TestOptions(
            size=ctypes.sizeof(_TestOptions),
            data_in=packet,
            data_size_in=len(packet),
            repeat=repeat,
        )
        code = self._library.bpf_prog_test_run_opts(self._program, ctypes.byref(options))
        if code:
            raise KernelRefused(f"the program did not run: {os.strerror(-code)}")
        return options.retval, options.duration

    def close(self) -> None:
        """Take the program from every interface, and out of the kernel."""
        for link in self._links:
            os.close(link)
        self._links.clear()
        if self._object:
            self._library.bpf_object__close(self._object)
            self._object = None
