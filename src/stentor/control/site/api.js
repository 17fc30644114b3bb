// Talking to control: one way to ask, one way to be refused. The key goes only into the
// Authorization header.

export class Refused extends Error {
  constructor(status, problem) {
    super(problem.detail ? `${problem.title}. ${problem.detail}` : problem.title);
    this.status = status;
    this.kind = (problem.type ?? "").replace("urn:stentor:problem:", "");
  }
}

/** Turns an answer that is not a success into a `Refused`. */
export async function refusal(response) {
  let problem = { title: `The server answered ${response.status}` };
  try {
    problem = { ...problem, ...(await response.json()) };
  } catch {
    // Not problem+json: something in between answered.
  }
  return new Refused(response.status, problem);
}

export class Api {
  constructor(key) {
    this.key = key;
  }

  async ask(method, path, body) {
    const headers = { Authorization: `Bearer ${this.key}` };
    if (body !== undefined) headers["Content-Type"] = "application/json";
    const response = await fetch(path, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      cache: "no-store",
      signal: AbortSignal.timeout(10_000),
    });
    if (!response.ok) throw await refusal(response);
    return response.status === 204 ? null : response.json();
  }

  get(path) {
    return this.ask("GET", path);
  }
}
