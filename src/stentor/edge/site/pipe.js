// A media element fed piece by piece: MediaSource or, on iPhones, ManagedMediaSource. Keeps the
// order of appends, changes type when the sound does, trims what was heard long ago, and survives a full buffer.

const BEHIND_S = 300; // kept behind the ear, for going back without asking anybody
const BEHIND_FULL_S = 20; // and when the browser says that its buffer is full
const QUEUE_BYTES_MAX = 8 * 1024 * 1024;

const Kind = () => self.ManagedMediaSource ?? self.MediaSource;

export const hasMediaSource = () => Boolean(Kind()) && "fetch" in self && "ReadableStream" in self;
export const canPlay = (mime) => hasMediaSource() && Kind().isTypeSupported(mime);

export class Pipe {
  #audio;
  #source;
  #buffer = null;
  #queue = [];
  #queued = 0;
  #url;
  #finished = false;
  #open = false;
  #closed = false;
  #mime = "";
  failed = () => {};

  /** Takes the element over at once, so that play() may be called in the same tap. */
  constructor(audio) {
    this.#audio = audio;
    this.#source = new (Kind())();
    this.#url = URL.createObjectURL(this.#source);
    audio.disableRemotePlayback = true;
    this.#source.addEventListener("sourceopen", () => this.#opened(), { once: true });
    audio.src = this.#url;
  }

  #opened() {
    URL.revokeObjectURL(this.#url);
    this.#open = true;
    this.#next();
  }

  /** What comes from here on is of this type. */
  type(mime) {
    if (this.#closed || mime === this.#mime) return;
    this.#mime = mime;
    this.#queue.push({ mime, length: 0 });
  }

  #become(mime) {
    if (this.#buffer) return this.#buffer.changeType(mime);
    this.#buffer = this.#source.addSourceBuffer(mime);
    this.#buffer.addEventListener("updateend", () => this.#next());
  }

  append(bytes) {
    if (this.#closed || this.#queued + bytes.length > QUEUE_BYTES_MAX) return;
    this.#queue.push(bytes);
    this.#queued += bytes.length;
    this.#next();
  }

  /** No more will come: the element may end. */
  finish() {
    this.#finished = true;
    this.#next();
  }

  close() {
    this.#closed = true;
    this.#queue.length = 0;
  }

  #next() {
    if (this.#closed || !this.#open || this.#source.readyState === "closed") return;
    if (this.#buffer?.updating) return;
    const piece = this.#queue[0];
    if (!piece) {
      if (!this.#buffer) return;
      if (this.#finished && this.#source.readyState === "open") this.#source.endOfStream();
      else this.#trim(BEHIND_S + 30, BEHIND_S);
      return;
    }
    try {
      if (piece.mime) this.#become(piece.mime);
      else this.#buffer.appendBuffer(piece);
      this.#queue.shift();
      this.#queued -= piece.length;
      if (piece.mime) this.#next();
    } catch (error) {
      if (error.name !== "QuotaExceededError") return this.failed(error);
      if (!this.#trim(BEHIND_FULL_S, BEHIND_FULL_S / 2)) setTimeout(() => this.#next(), 1_000);
    }
  }

  /** When more than `limit` seconds lie behind the ear, removes all but `keep` of them. */
  #trim(limit, keep) {
    const { buffered } = this.#buffer;
    const now = this.#audio.currentTime;
    if (!buffered.length || now - buffered.start(0) <= limit) return false;
    this.#buffer.remove(0, now - keep);
    return true;
  }

  /** The stretch that holds `time`, as { start, end }, or null. */
  around(time) {
    const buffered = this.#buffer?.buffered;
    for (let index = 0; index < (buffered?.length ?? 0); index++) {
      const start = buffered.start(index);
      const end = buffered.end(index);
      if (time >= start - 0.01 && time < end) return { start, end };
    }
    return null;
  }

  /** Where sound goes on after `time`, if there is a hole at it. */
  after(time) {
    const buffered = this.#buffer?.buffered;
    for (let index = 0; index < (buffered?.length ?? 0); index++) {
      if (buffered.start(index) > time) return buffered.start(index);
    }
    return null;
  }

  get end() {
    const buffered = this.#buffer?.buffered;
    return buffered?.length ? buffered.end(buffered.length - 1) : null;
  }
}
