// Work that moves one's place in line forward while there is nothing else to do: a worker looks for
// the number that the door hid (ALTCHA). Without it, or where the browser can't, nothing is lost.

const PROOFS_MAX = 5; // of one page, whatever the door asks

let done = 0;

function encoded(text) {
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** Resolves to the proof as the door takes it, or to null if there is none to be had. */
export function prove(challenge, signal) {
  if (!challenge || done >= PROOFS_MAX || !globalThis.isSecureContext) return Promise.resolve(null);
  done += 1;
  return new Promise((resolve) => {
    let worker;
    const finish = (number) => {
      worker?.terminate();
      signal.removeEventListener("abort", quit);
      if (!Number.isInteger(number)) return resolve(null);
      const { algorithm, challenge: hash, salt, signature } = challenge;
      resolve(encoded(JSON.stringify({ algorithm, challenge: hash, number, salt, signature })));
    };
    const quit = () => finish(null);
    signal.addEventListener("abort", quit);
    try {
      worker = new Worker("/site/proof_worker.js");
    } catch {
      return quit();
    }
    worker.onmessage = ({ data }) => finish(data);
    worker.onerror = quit;
    worker.postMessage(challenge);
  });
}
