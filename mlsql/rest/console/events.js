// Server-Sent Events over fetch, which can send a token where EventSource cannot.

import { Failure, Unreachable, jobPath, request } from "./api.js";

const SILENCE = 45_000; // the server says something every 15 seconds
const DELAYS = [500, 1000, 2000, 5000, 10_000];
export const ENDS = new Set(["succeeded", "failed", "cancelled", "timed_out", "lost"]);

/** @typedef {{id: string, kind: string, data: any}} Event */

/**
 * The events of a job until its end; after a break it goes on behind the last one that came.
 * @param {string} job @param {AbortSignal} signal @param {(isConnected: boolean) => void} told
 * @returns {AsyncGenerator<Event>}
 */
export async function* follow(job, signal, told) {
  let last = "";
  for (let failures = 0; !signal.aborted; failures++) {
    try {
      for await (const event of connection(job, last, signal)) {
        told(true);
        last = event.id;
        failures = 0;
        yield event;
        if (event.kind === "state" && ENDS.has(event.data.state)) return;
      }
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof Failure && error.status < 500 && error.status !== 429) throw error;
      if (!isBreak(error)) throw error;
    }
    told(false);
    await pause(DELAYS[Math.min(failures, DELAYS.length - 1)], signal);
  }
}

const isBreak = (/** @type {any} */ error) =>
  error instanceof Failure ||
  error instanceof Unreachable ||
  error instanceof TypeError ||
  error.name === "AbortError";

/** @param {string} job @param {string} last @param {AbortSignal} signal */
async function* connection(job, last, signal) {
  const cut = new AbortController();
  const end = () => cut.abort();
  signal.addEventListener("abort", end);
  let silence = setTimeout(end, SILENCE);
  try {
    const headers = last ? { "Last-Event-ID": last } : undefined;
    const reply = await request(jobPath(job, "/events"), { headers, signal: cut.signal });
    const reader = /** @type {any} */ (reply.body).pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      clearTimeout(silence);
      silence = setTimeout(end, SILENCE);
      const blocks = (text + part.value).split("\n\n");
      text = /** @type {string} */ (blocks.pop());
      for (const block of blocks) {
        const event = parsed(block);
        if (event) yield event;
      }
    }
  } finally {
    clearTimeout(silence);
    signal.removeEventListener("abort", end);
    cut.abort();
  }
}

/** One event; a comment is none. @param {string} block @returns {Event | null} */
export function parsed(block) {
  /** @type {Record<string, string>} */
  const fields = {};
  for (const line of block.split("\n")) {
    const [, name, value] = /^(\w+): ?(.*)$/.exec(line) ?? [];
    if (name) fields[name] = name in fields ? `${fields[name]}\n${value}` : value;
  }
  return fields.data ? { id: fields.id, kind: fields.event, data: JSON.parse(fields.data) } : null;
}

/** @param {number} milliseconds @param {AbortSignal} signal */
function pause(milliseconds, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener(
      "abort",
      () => {
        clearTimeout(timer);
        resolve(undefined);
      },
      { once: true },
    );
  });
}
