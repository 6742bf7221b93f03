// One job, live: its state, how far it is, what it tells, and its result.

import { Failure, below, cancel, lookUp } from "./api.js";
import { CallbackView } from "./callbacks.js";
import { button, div, el, fill, say, scrolling } from "./dom.js";
import { ENDS, follow } from "./events.js";
import { Head } from "./head.js";
import { coloured } from "./highlight.js";
import { LogView } from "./log.js";
import { problemList } from "./places.js";
import { metricTable, progressView } from "./progress.js";
import { resultView } from "./result.js";
import { dataTable } from "./table.js";

const NO_ROWS = "There are no rows: the script made no table, or they are kept no more.";
const LOST = "The server ended while this job ran, so its end is not known.";
const CUT = "Connection lost. The job goes on; trying again …";
const EVERY = 2000; // Spark's tasks are told by no event
const AT_MOST = 400; // events come close together

export class JobView {
  /** @param {string} id @param {{jump?: (problem: any) => void, told?: (job: any) => void}} [options] */
  constructor(id, options = {}) {
    this.id = id;
    this.options = options;
    this.stop = new AbortController();
    this.isOver = false;
    /** @type {number | undefined} */
    this.soon = undefined;
    this.head = new Head(() => this.#cancel());
    this.problem = el("p", { class: "problem", role: "alert" });
    this.broken = el("p", { class: "note", role: "status" });
    this.progress = div("progress");
    this.outcome = div("outcome");
    this.metrics = div("metrics");
    this.tables = div("tables");
    this.log = new LogView(id);
    this.log.element.hidden = true;
    this.callbacks = div("callback-space");
    const parts = [this.problem, this.broken, this.progress, this.outcome, this.metrics, this.tables];
    const all = [this.head.element, ...parts, this.log.element, this.callbacks];
    this.element = el("section", { class: "job", "aria-label": "Job" }, all);
    this.#live();
  }

  /** Listen no more. */
  end() {
    this.stop.abort();
  }

  async #live() {
    this.timer = setInterval(() => document.hidden || this.#refresh(), EVERY);
    this.stop.signal.addEventListener("abort", () => clearInterval(this.timer));
    try {
      await this.#refresh(true);
      const told = (/** @type {boolean} */ isConnected) => say(this.broken, isConnected ? "" : CUT);
      for await (const event of follow(this.id, this.stop.signal, told)) this.#take(event);
      await this.#refresh(true);
    } catch (error) {
      clearInterval(this.timer);
      if (!this.stop.signal.aborted) this.#fail(error);
    }
  }

  /** Ask how it is, and show it. Without an answer the next turn asks again. */
  async #refresh(isNeeded = false) {
    try {
      this.#draw(await lookUp(this.id, this.stop.signal));
    } catch (error) {
      if (isNeeded && error instanceof Failure) throw error;
    }
  }

  #take(/** @type {import("./events.js").Event} */ event) {
    this.log.take(event);
    if (event.kind === "table") this.tables.append(shownTable(event.data));
    this.soon ??= setTimeout(() => {
      this.soon = undefined;
      if (!this.stop.signal.aborted) this.#refresh();
    }, AT_MOST);
  }

  #draw(/** @type {any} */ job) {
    if (this.isOver) return; // an older answer came later
    this.isOver = ENDS.has(job.state);
    this.log.element.hidden = false;
    this.head.draw(job);
    fill(this.progress, progressView(job, this.isOver));
    fill(this.metrics, metricTable(job.metrics));
    if (this.isOver) this.#drawEnd(job);
    this.options.told?.(job);
  }

  #drawEnd(/** @type {any} */ { id, error, result, state, name }) {
    clearInterval(this.timer);
    const problems = error && problemList(error.diagnostics ?? [error], this.options.jump ?? null);
    const rows = result
      ? resultView({ id, name, result }, this.stop.signal)
      : el("p", { class: "note" }, NO_ROWS);
    fill(
      this.outcome,
      problems && el("section", { class: "error-box", "aria-label": "Error" }, problems),
      state === "lost" && el("p", {}, LOST),
      state === "succeeded" && rows,
    );
    fill(this.callbacks, new CallbackView(id, this.stop.signal).element);
  }

  async #cancel() {
    say(this.problem, "");
    try {
      this.#draw(await cancel(this.id));
    } catch (error) {
      const hasEnded = error instanceof Failure && error.status === 409;
      if (hasEnded) await this.#refresh();
      else this.#fail(error);
    }
  }

  #fail(/** @type {any} */ error) {
    this.head.clear();
    say(this.problem, error.message);
  }
}

/**
 * A small table that a run shows while it goes on.
 * @param {{title: string, columns: string[], rows: any[][]}} shown
 */
const shownTable = ({ title, columns, rows }) =>
  el("figure", {}, el("figcaption", {}, title), scrolling(title, dataTable(columns, rows)));

/**
 * The script of a job, and a way to go on with it.
 * @param {string} id @param {AbortSignal} signal @param {(text: string) => void} edit
 */
export async function scriptView(id, signal, edit) {
  const text = await (await below(id, "/script", signal)).text();
  return el(
    "details",
    { class: "script" },
    el("summary", {}, "Script"),
    el("pre", { class: "code", tabindex: 0 }, coloured(text)),
    button("Edit as a new script", () => edit(text)),
  );
}
