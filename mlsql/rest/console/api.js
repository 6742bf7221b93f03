// Requests to the service: with the token of this tab, errors as the service tells them.

const TOKEN = "mlsql.token";
const JOBS = "api/v1/jobs";

/**
 * @typedef {{kind: string, message: string, file: string?, line: number?, column: number?,
 *   excerpt: string?, hint: string?}} Place
 */

/** A reply that is no success; *diagnostics* has each error with its place. */
export class Failure extends Error {
  /** @param {number} status @param {any} error */
  constructor(status, error) {
    super(error.message);
    this.status = status;
    /** @type {Place[]} */
    this.diagnostics = error.diagnostics ?? [error];
  }
}

/** No reply came. */
export class Unreachable extends Error {
  constructor() {
    super("The server cannot be reached.");
  }
}

export const session = {
  get token() {
    return sessionStorage.getItem(TOKEN);
  },
  set token(token) {
    if (token) sessionStorage.setItem(TOKEN, token);
    else sessionStorage.removeItem(TOKEN);
  },
  /** Asks for a token, and resolves when there is one. @type {() => Promise<void>} */
  ask: () => Promise.reject(new Error("nobody asks for tokens")),
  /** Is told whether the last request was answered. @type {(answers: boolean) => void} */
  connected: () => {},
};

/**
 * The reply, when it is a success; a refused token is asked for again.
 * @param {string} path @param {RequestInit & {headers?: Record<string, string>}} [options]
 * @returns {Promise<Response>}
 */
export async function request(path, options = {}) {
  const { token } = session;
  const reply = await send(path, options, token);
  if (reply.status === 401) {
    if (session.token === token) await session.ask(); // else there is another one by now
    return request(path, options);
  }
  if (!reply.ok) throw await failure(reply);
  return reply;
}

/** The reply, whatever its status is. @param {string} path @param {any} options */
export async function send(path, options = {}, token = session.token) {
  const headers = { ...options.headers, ...(token && { Authorization: `Bearer ${token}` }) };
  try {
    const reply = await fetch(path, { cache: "no-store", ...options, headers });
    session.connected(true);
    return reply;
  } catch (error) {
    if (options.signal?.aborted) throw error;
    session.connected(false);
    throw new Unreachable();
  }
}

async function failure(/** @type {Response} */ reply) {
  const message = `The server replied ${reply.status} ${reply.statusText}`.trim();
  const body = await reply.json().catch(() => ({}));
  return new Failure(reply.status, body.error ?? { kind: "Error", message });
}

/** @param {any} body @param {Record<string, string>} [headers] */
const asJson = (body, headers = {}) => ({
  method: "POST",
  headers: { "Content-Type": "application/json", ...headers },
  body: JSON.stringify(body),
});

/** @param {string} id @param {string} [rest] */
export const jobPath = (id, rest = "") => `${JOBS}/${encodeURIComponent(id)}${rest}`;

const json = async (/** @type {Promise<Response>} */ reply) => (await reply).json();

/** What is wrong or odd in a script. @param {any} fields @param {AbortSignal} signal */
export const check = (fields, signal) =>
  json(request("run/script", { ...asJson({ ...fields, executeMode: "check" }), signal }));

/** @param {any} fields @param {string} key the same for every try of one submission */
export const submit = (fields, key) => json(request(JOBS, asJson(fields, { "Idempotency-Key": key })));

/** @param {URLSearchParams} query @param {AbortSignal} [signal] */
export const list = (query, signal) => json(request(`${JOBS}?${query}`, { signal }));

/** @param {string} id @param {AbortSignal} [signal] */
export const lookUp = (id, signal) => json(request(jobPath(id), { signal }));

/** @param {string} id */
export const cancel = (id) => json(request(jobPath(id, "/cancel"), { method: "POST" }));

/** Send a callback once more. @param {string} id @param {number} number */
export const replay = (id, number) =>
  json(request(jobPath(id, `/callbacks/${number}/replay`), { method: "POST" }));

/**
 * Rows of a result, or what else lies below a job.
 * @param {string} id @param {string} rest @param {AbortSignal} [signal]
 */
export const below = (id, rest, signal) => request(jobPath(id, rest), { signal });
