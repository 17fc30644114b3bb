"""Opus by libopus itself, called through ctypes: in-band FEC, concealment, no DTX.

The library is the one inside PyAV's wheel (its own wrapper has neither FEC nor concealment), else
the system's libopus0. Numpy arrays in and out, mono, 48 kHz. It decides nothing about loss: the
playout does.
"""

import ctypes
import ctypes.util
import importlib.util
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from stentor.base.errors import ConfigurationError
from stentor.media.grid import SAMPLE_RATE

Pcm = NDArray[np.float32]

PACKET_BYTES_MAX = 1_275 * 6 + 64  # RFC 6716: six frames of 1,275 bytes and their lengths
PACKET_SAMPLES_MAX = 5_760  # 120 ms

_SET_BITRATE = 4002
_SET_COMPLEXITY = 4010
_SET_INBAND_FEC = 4012
_SET_PACKET_LOSS = 4014
_SET_DTX = 4016
_RESET_STATE = 4028
_FOR_VOICES = 2048  # OPUS_APPLICATION_VOIP


class OpusError(ValueError):
    """A packet that libopus cannot decode, or an argument that it refuses."""


def _candidates() -> list[str]:
    found: list[str] = []
    av = importlib.util.find_spec("av")
    if av is not None and av.origin is not None:
        libraries = Path(av.origin).parent.parent / "av.libs"
        found += sorted(str(path) for path in libraries.glob("libopus*.so*"))
    system = ctypes.util.find_library("opus")
    return [*found, system] if system else found


@cache
def _library() -> ctypes.CDLL:
    for path in _candidates():
        try:
            library = ctypes.CDLL(path)
        except OSError:
            continue
        pointer, number, size = ctypes.c_void_p, ctypes.c_int, ctypes.c_int32
        library.opus_encoder_create.restype = pointer
        library.opus_encoder_create.argtypes = [size, number, number, pointer]
        library.opus_encoder_destroy.argtypes = [pointer]
        library.opus_encode_float.argtypes = [pointer, pointer, number, pointer, size]
        library.opus_decoder_create.restype = pointer
        library.opus_decoder_create.argtypes = [size, number, pointer]
        library.opus_decoder_destroy.argtypes = [pointer]
        library.opus_decode_float.argtypes = [
            pointer, ctypes.c_char_p, size, pointer, number, number,
        ]  # fmt: skip
        library.opus_packet_get_nb_samples.argtypes = [ctypes.c_char_p, size, size]
        library.opus_get_version_string.restype = ctypes.c_char_p
        library.opus_strerror.restype = ctypes.c_char_p
        return library
    raise ConfigurationError("libopus was found neither in PyAV's wheel nor on this system.")


def version() -> str:
    """Return which libopus is in use."""
    return bytes(_library().opus_get_version_string()).decode()


def _checked(result: int) -> int:
    if result < 0:
        raise OpusError(bytes(_library().opus_strerror(result)).decode())
    return result


def packet_samples(packet: bytes) -> int:
    """Return how many samples a packet holds; raises `OpusError` if it is none."""
    if not packet:
        raise OpusError("an empty packet")
    return _checked(_library().opus_packet_get_nb_samples(packet, len(packet), SAMPLE_RATE))


class OpusEncoder:
    """Encodes frames of 20 ms, mono."""

    def __init__(
        self,
        bitrate: int,
        *,
        complexity: int = 5,
        loss_percent: int = 0,
    ) -> None:
        self._state = None
        library = _library()
        error = ctypes.c_int()
        self._state = library.opus_encoder_create(SAMPLE_RATE, 1, _FOR_VOICES, ctypes.byref(error))
        _checked(error.value)
        self._control(_SET_BITRATE, bitrate)
        self._control(_SET_COMPLEXITY, complexity)
        self._control(_SET_INBAND_FEC, 1 if loss_percent else 0)
        self._control(_SET_PACKET_LOSS, loss_percent)
        self._control(_SET_DTX, 0)
        self._packet = ctypes.create_string_buffer(PACKET_BYTES_MAX)

    def _control(self, request: int, value: int) -> None:
        _checked(
            _library().opus_encoder_ctl(ctypes.c_void_p(self._state), request, ctypes.c_int(value))
        )

    def encode(self, samples: NDArray[np.float32] | NDArray[np.int16]) -> bytes:
        """Return one packet; `samples` must be a length that Opus knows (960 is 20 ms)."""
        pcm = as_float(samples)
        length = _checked(
            _library().opus_encode_float(
                self._state, pcm.ctypes.data, len(pcm), self._packet, PACKET_BYTES_MAX
            )
        )
        return self._packet.raw[:length]

    def reset(self) -> None:
        """Forget what was encoded before."""
        _checked(_library().opus_encoder_ctl(ctypes.c_void_p(self._state), _RESET_STATE))

    def __del__(self) -> None:
        if self._state is not None:
            _library().opus_encoder_destroy(self._state)
            self._state = None


class OpusDecoder:
    """Decodes to mono, whatever the sender's channels. Packets may come from a hostile sender."""

    def __init__(self) -> None:
        self._state = None
        error = ctypes.c_int()
        self._state = _library().opus_decoder_create(SAMPLE_RATE, 1, ctypes.byref(error))
        _checked(error.value)
        self._scratch = np.zeros(PACKET_SAMPLES_MAX, np.float32)

    def decode(self, packet: bytes) -> Pcm:
        """Return the packet's samples, float within about ±1; raises `OpusError`."""
        if not packet:
            raise OpusError("an empty packet")
        return self._decode(packet, PACKET_SAMPLES_MAX, fec=False)

    def recover(self, following: bytes, samples: int) -> Pcm:
        """Return the lost packet before `following`, from its in-band FEC, else concealed."""
        if not following:
            return self.conceal(samples)
        return self._decode(following, samples, fec=True)

    def conceal(self, samples: int) -> Pcm:
        """Return `samples` (a multiple of 120) of concealment."""
        return self._decode(None, samples, fec=False)

    def _decode(self, packet: bytes | None, samples: int, *, fec: bool) -> Pcm:
        length = _checked(
            _library().opus_decode_float(
                self._state,
                packet,
                len(packet) if packet else 0,
                self._scratch.ctypes.data,
                samples,
                1 if fec else 0,
            )
        )
        return self._scratch[:length].copy()

    def __del__(self) -> None:
        if self._state is not None:
            _library().opus_decoder_destroy(self._state)
            self._state = None


def as_float(samples: NDArray[np.float32] | NDArray[np.int16]) -> Pcm:
    """Return samples as contiguous floats within ±1."""
    if samples.dtype == np.int16:
        return samples.astype(np.float32) / np.float32(32_768)
    return np.ascontiguousarray(samples, np.float32)


def as_int16(samples: Pcm) -> NDArray[np.int16]:
    """Return floats as 16-bit samples, clipped."""
    return np.clip(np.rint(samples * 32_767), -32_768, 32_767).astype(np.int16)
