// Tries one number after the other, in a thread of its own, until one has the hash that was asked for.
// Answers with that number, or with null.

const BATCH = 256; // digests under way at once
const encoder = new TextEncoder();

const hex = (buffer) =>
  Array.from(new Uint8Array(buffer), (byte) => byte.toString(16).padStart(2, "0")).join("");

async function search({ algorithm, challenge, salt, maxNumber }) {
  // Four bytes tell nearly all wrong ones; the rest of them is compared in full.
  const first = Number.parseInt(challenge.slice(0, 8), 16);
  for (let at = 0; at <= maxNumber; at += BATCH) {
    const tried = Array.from({ length: BATCH }, (_, n) =>
      crypto.subtle.digest(algorithm, encoder.encode(salt + (at + n))),
    );
    for (const [n, digest] of (await Promise.all(tried)).entries()) {
      if (new DataView(digest).getUint32(0) === first && hex(digest) === challenge) return at + n;
    }
  }
  return null;
}

onmessage = async ({ data }) => {
  try {
    postMessage(await search(data));
  } catch {
    postMessage(null);
  }
};
