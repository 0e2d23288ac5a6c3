/* Requests to the server that the page came from. */

export class Problem extends Error {
  constructor(message, hint, status) {
    super(message);
    this.hint = hint;
    this.status = status;
  }
}

/** Asks one thing at a time: a later request drops the one before. */
export class Asker {
  #abort = null;

  async ask(address, options = {}) {
    this.drop();
    const abort = new AbortController();
    this.#abort = abort;
    const response = await request(address, { ...options, signal: abort.signal });
    return abort.signal.aborted ? null : response;
  }

  drop() {
    this.#abort?.abort();
  }
}

export async function request(address, options = {}) {
  let response;
  let body = null;
  try {
    response = await fetch(address, options);
    if (response.status !== 204) body = await response.json();
  } catch (error) {
    if (options.signal?.aborted) return null;
    throw new Problem("lsearch serve does not answer", "Has it ended? Start it again and open the address it prints.", 0);
  }
  if (response.ok) return body ?? {};
  if (response.status === 401) {
    throw new Problem("This page's key is no longer good", "Open the address that lsearch serve printed last.", 401);
  }
  throw new Problem(body?.error?.message ?? response.statusText, body?.error?.hint, response.status);
}
