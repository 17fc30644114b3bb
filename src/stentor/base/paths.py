"""Where things lie in the data folder. The one place that spells its file names."""

import hashlib
import tempfile
from dataclasses import dataclass
from pathlib import Path

_SOCKET_PATH_BYTES_MAX = 90  # sun_path holds 108; room is left for the names


@dataclass(frozen=True, slots=True)
class DataFolder:
    """The data folder of one deployment; every property is a path, none is created by asking."""

    root: Path

    @property
    def database(self) -> Path:
        """Control's SQLite database."""
        return self.root / "stentor.db"

    @property
    def secrets(self) -> Path:
        """Keys and tokens, mode 0600 each."""
        return self.root / "secrets"

    @property
    def load_consent(self) -> Path:
        """What load test the operator agreed to, with its secret: mode 0600."""
        return self.secrets / "load-consent.json"

    @property
    def orders(self) -> Path:
        """What control wants of each room: `ROOM.json`, replaced whole by rename."""
        return self.root / "orders"

    def recording(self, room: str, rendition: str) -> Path:
        """Return the recording of a room in one rendition: fragmented MP4, append-only."""
        return self.root / "recordings" / room / f"{rendition}.mp4"

    def recording_index(self, room: str, rendition: str) -> Path:
        """Return where each part begins in the recording: unsigned 64-bit little-endian offsets.

        Entry n is written once part n is whole in the recording. A part ends where the next one
        begins; the newest ends where its own `mdat` does.
        """
        return self.root / "recordings" / room / f"{rendition}.index"

    def state_log(self, room: str) -> Path:
        """Return the room's states as they were published, one JSON line each."""
        return self.root / "recordings" / room / "states.jsonl"

    def hold(self, room: str) -> Path:
        """Return the room's hold tune: signed 16-bit mono at 48 kHz, no header."""
        return self.root / "hold" / f"{room}.s16"

    @property
    def run(self) -> Path:
        """Sockets and the shared clock; empty when nothing runs."""
        run = self.root.absolute() / "run"
        if len(str(run)) <= _SOCKET_PATH_BYTES_MAX:
            return run
        name = hashlib.sha256(str(run).encode()).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"stentor-{name}"

    @property
    def lock(self) -> Path:
        """Held by the one `stentor serve` that uses the folder."""
        return self.root / "serve.lock"

    @property
    def parts(self) -> Path:
        """What the supervisor runs: JSON, part → pid, spare's pid, restarts so far."""
        return self.run / "parts.json"

    @property
    def deployed(self) -> Path:
        """The settings that a deploy left, as a ledger's opening says them: JSON."""
        return self.run / "deployed.json"

    @property
    def board(self) -> Path:
        """What the edges of one machine let each other see of the line (edge.board)."""
        return self.run / "door.board"

    @property
    def clock(self) -> Path:
        """The shared clock's offset."""
        return self.run / "clock"

    @property
    def stage_feed(self) -> Path:
        """Unix socket: stage → origin (programme frames, who is on stage)."""
        return self.run / "stage.sock"

    @property
    def origin_feed(self) -> Path:
        """Unix socket: origin → edges (inits, parts, room states)."""
        return self.run / "origin.sock"

    def handover(self, edge: int) -> Path:
        """Return the Unix socket at which an edge waits for its successor."""
        return self.run / f"edge-{edge}.handover"

    def taken_over(self, edge: int) -> Path:
        """Return what an edge that took over tells of that: JSON, written once it serves."""
        return self.run / f"edge-{edge}.taken"

    @property
    def deploys(self) -> Path:
        """Unix socket: `stentor deploy` → the supervisor, lines of JSON both ways."""
        return self.run / "deploy.sock"

    @property
    def audience_socket(self) -> Path:
        """Unix datagram socket: edges → control (audience facts, once a second)."""
        return self.run / "audience.sock"

    @property
    def watch_socket(self) -> Path:
        """Unix datagram socket: edges → the watch (shield facts, once a second)."""
        return self.run / "watch.sock"

    @property
    def policy(self) -> Path:
        """What the shield wants of the edges: JSON, replaced whole by rename (shield.policy)."""
        return self.run / "shield.policy"

    @property
    def operator_words(self) -> Path:
        """What an operator told the shield, for a watch that begins again: JSON, by rename."""
        return self.run / "shield.operator"

    @property
    def event_key(self) -> Path:
        """The secret under which networks are named in facts and records, for one event."""
        return self.secrets / "event.key"

    @property
    def ledger_key(self) -> Path:
        """The Ed25519 key that signs the ledger's tree heads."""
        return self.secrets / "ledger.key"

    @property
    def rehearsal_key(self) -> Path:
        """The Ed25519 key that signs certificates of rehearsals."""
        return self.secrets / "rehearsal.key"

    @property
    def rehearsals(self) -> Path:
        """What was rehearsed: a folder each, named so that the newest sorts last."""
        return self.root / "rehearsals"

    def certificate(self, rehearsal: str) -> Path:
        """Return the certificate of one rehearsal: there is none if it was refuted or cut short."""
        return self.rehearsals / rehearsal / "certificate.json"

    @property
    def ledger(self) -> Path:
        """What happened, one record a second, in files that are only appended to."""
        return self.root / "ledger"

    @property
    def witness(self) -> Path:
        """The ledger's newest signed head: JSON, replaced whole by rename (rooms.state.Witness)."""
        return self.run / "ledger.head"

    @property
    def guard_socket(self) -> Path:
        """Unix socket of the privileged helper (shield.vocabulary)."""
        return self.run / "guard.sock"

    @property
    def control_address(self) -> Path:
        """Where control answers on this machine: one line, written when it listens."""
        return self.run / "control.url"
