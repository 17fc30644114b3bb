// Control's API as seen from a page: the bearer, time limits, and refusals as errors that can be
// told apart from "control is away". Decides nothing about rooms.

const LIMIT_MS = 8_000;
const LOOK_MS = 3_000; // looking is repeated anyhow; better soon than late

/** Control or the stage said no, and why (problem+json). */
export class Refused extends Error {
  constructor(status, problem) {
    super([problem.title, problem.detail].filter(Boolean).join(". "));
    this.status = status;
    this.kind = (problem.type ?? "").replace("urn:stentor:problem:", "");
    this.title = problem.title ?? "";
    this.detail = problem.detail ?? "";
  }
}

/** Nobody answered, or not in time, or what answered was not well. */
export class Away extends Error {}

/** Does a request; returns the response, or throws `Refused` or `Away`. */
export async function ask(url, options = {}, limitMs = LIMIT_MS) {
  let response;
  try {
    response = await fetch(url, { cache: "no-store", ...options, signal: AbortSignal.timeout(limitMs) });
  } catch (error) {
    throw new Away(String(error));
  }
  if (response.ok) return response;
  let problem = {};
  try {
    problem = await response.json();
  } catch {
    // what stands in front of the server may answer in HTML
  }
  if ([502, 503, 504].includes(response.status) && !problem.type) throw new Away(`${response.status}`);
  throw new Refused(response.status, { title: `The server says ${response.status}`, ...problem });
}

export class Control {
  constructor(key) {
    this.key = key;
  }

  async call(method, path, body, limitMs = LIMIT_MS) {
    const headers = { Authorization: `Bearer ${this.key}` };
    if (body !== undefined) headers["Content-Type"] = "application/json";
    const sent = body === undefined ? undefined : JSON.stringify(body);
    const response = await ask(`/api${path}`, { method, headers, body: sent }, limitMs);
    return response.json();
  }

  get(path) {
    return this.call("GET", path, undefined, LOOK_MS);
  }

  post(path, body) {
    return this.call("POST", path, body);
  }
}
