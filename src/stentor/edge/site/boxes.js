// Reads a stream of top-level MP4 boxes, in whatever pieces its bytes come, as what a listener
// needs: inits, fragments of one or more parts, and what is said in between. Knows no network and
// no player.

const BOX_BYTES_MAX = 4 * 1024 * 1024;
const SCHEME = /^urn:stentor:(state|jump|return|advice):1$/;
const text = new TextDecoder();

const view = (bytes) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
const typeAt = (bytes, at) => String.fromCharCode(...bytes.subarray(at, at + 4));

function concat(pieces) {
  if (pieces.length === 1) return pieces[0];
  const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

/** Yields [type, bytes] of the boxes that `bytes` holds from `start` on. */
function* children(bytes, start) {
  const numbers = view(bytes);
  for (let at = start; at + 8 <= bytes.length; ) {
    const size = numbers.getUint32(at);
    if (size < 8 || at + size > bytes.length) return;
    yield [typeAt(bytes, at + 4), bytes.subarray(at, at + size)];
    at += size;
  }
}

function child(bytes, type) {
  for (const [name, box] of children(bytes, 8)) if (name === type) return box;
  return null;
}

/** The sample index since the room's epoch at which a `moof` begins. */
export function startOf(moof) {
  const traf = child(moof, "traf");
  const tfdt = traf && child(traf, "tfdt");
  if (!tfdt) throw new Error("a moof without tfdt");
  return tfdt[8] === 1 ? Number(view(tfdt).getBigUint64(12)) : view(tfdt).getUint32(12);
}

/** How many samples a `moof` holds: one part, or several that were merged. */
export function samplesOf(moof) {
  const traf = child(moof, "traf");
  const run = traf && child(traf, "trun");
  if (!run) throw new Error("a moof without trun");
  const flags = view(run).getUint32(8) & 0xffffff;
  const count = view(run).getUint32(12);
  if (!(flags & 0x100)) return count * frameSamples(child(traf, "tfhd"));
  const each = 4 * [0x100, 0x200, 0x400, 0x800].filter((one) => flags & one).length;
  let at = 16 + (flags & 1 ? 4 : 0) + (flags & 4 ? 4 : 0);
  let samples = 0;
  for (; at + each <= run.length; at += each) samples += view(run).getUint32(at);
  return samples;
}

function frameSamples(header) {
  const flags = header ? view(header).getUint32(8) & 0xffffff : 0;
  if (!(flags & 8)) throw new Error("a moof without durations");
  return view(header).getUint32(16 + (flags & 1 ? 8 : 0) + (flags & 2 ? 4 : 0));
}

/** The scheme, time and data of an event message box, version 1. */
export function readEmsg(box) {
  if (box[8] !== 1) return null;
  const numbers = view(box);
  const strings = [];
  let at = 32; // size, type, version and flags, timescale, time (64), duration, id
  while (strings.length < 2) {
    const end = box.indexOf(0, at);
    if (end < 0) return null;
    strings.push(text.decode(box.subarray(at, end)));
    at = end + 1;
  }
  return { scheme: strings[0], at: Number(numbers.getBigUint64(16)), data: box.subarray(at) };
}

/** Turns bytes into whole boxes: `feed` returns [type, bytes] pairs. */
export class BoxReader {
  #held = new Uint8Array(0);

  feed(bytes) {
    let all = this.#held.length ? concat([this.#held, bytes]) : bytes;
    const boxes = [];
    while (all.length >= 8) {
      const size = view(all).getUint32(0);
      if (size < 8 || size > BOX_BYTES_MAX) throw new Error(`a box of ${size} bytes`);
      if (all.length < size) break;
      boxes.push([typeAt(all, 4), all.subarray(0, size)]);
      all = all.subarray(size);
    }
    this.#held = all;
    return boxes;
  }
}

/** Turns bytes into events: init, part, state, jump, return, advice. What it does not know, it leaves out. */
export class PartReader {
  #boxes = new BoxReader();
  #ftyp = null;
  #moof = null;

  feed(bytes) {
    const events = [];
    for (const [type, box] of this.#boxes.feed(bytes)) {
      if (type === "ftyp") this.#ftyp = box;
      else if (type === "moov") events.push({ kind: "init", bytes: concat([this.#ftyp, box]) });
      else if (type === "moof") this.#moof = box;
      else if (type === "mdat" && this.#moof) {
        events.push({
          kind: "part",
          start: startOf(this.#moof),
          samples: samplesOf(this.#moof),
          bytes: concat([this.#moof, box]),
        });
        this.#moof = null;
      } else if (type === "emsg") events.push(...this.#message(readEmsg(box)));
    }
    return events;
  }

  *#message(message) {
    const kind = SCHEME.exec(message?.scheme ?? "")?.[1];
    if (!kind) return;
    const said = JSON.parse(text.decode(message.data));
    if (kind === "state") yield { kind, at: message.at, state: said };
    else if (kind === "jump") yield { kind, from: said.from_part, to: said.to_part };
    else yield { ...said, kind };
  }
}
