// The head of a job: its name, its state, its times, and the button that cancels it.

import { button, div, duration, el, fill, say, time } from "./dom.js";
import { ENDS } from "./events.js";
import { jobHash } from "./router.js";

const isCancelling = (/** @type {any} */ job) => job.cancelRequested && !ENDS.has(job.state);

/** What a state is called. @param {any} job */
export const stateName = (job) => (isCancelling(job) ? "cancelling" : job.state.replace("_", " "));

/** Its name, or the beginning of its id. @param {any} job */
export const jobName = (job) => (job.name === job.id ? `job ${job.id.slice(0, 8)}` : job.name);

/** The title of a page that shows it. @param {any} job */
export const titleOf = (job) => `${stateName(job)}: ${jobName(job)} · mlsql`;

/** @param {any} job */
export const stateBadge = (job) =>
  el("span", { class: `state ${isCancelling(job) ? "cancelling" : job.state}` }, stateName(job));

export class Head {
  /** @param {() => void} cancel */
  constructor(cancel) {
    this.cancel = cancel;
    /** What is shown. @type {string | undefined} */
    this.told = undefined;
    this.took = el("span");
    this.heard = el("p", { class: "visually-hidden", role: "status" });
    this.seen = div("head", el("p", { class: "note" }, "Loading …"));
    this.element = el("div", {}, this.heard, this.seen);
  }

  /** Show how *job* is; what is focused or selected stays so until its state changes. @param {any} job */
  draw(job) {
    say(this.heard, heard(job));
    say(this.took, duration(job.started, job.ended));
    const told = JSON.stringify([job.state, job.cancelRequested, job.attempt]);
    if (this.told === told) return;
    this.told = told;
    const isFocused = this.button && this.button === document.activeElement;
    this.button = ENDS.has(job.state) ? null : cancelButton(job, this.cancel);
    const facts = factsOf(job, this.took).map(([name, value]) =>
      el("div", {}, el("dt", {}, name), el("dd", {}, value)),
    );
    fill(
      this.seen,
      el("h2", {}, el("a", { href: jobHash(job.id), title: "The page of this job" }, jobName(job))),
      stateBadge(job),
      el("dl", { class: "facts" }, facts),
      this.button,
    );
    if (isFocused) this.button?.focus();
  }

  /** There is no such job. */
  clear() {
    if (!this.told) fill(this.seen);
  }
}

/** @param {any} job @param {() => void} cancel */
const cancelButton = (job, cancel) =>
  button(job.cancelRequested ? "Cancelling …" : "Cancel", cancel, { disabled: job.cancelRequested });

/** What a screen reader says of it. @param {any} job */
function heard(job) {
  const { number, total } = job.statement ?? {};
  const place = number && !ENDS.has(job.state) ? `, statement ${number} of ${total}` : "";
  return `Job ${jobName(job)}: ${stateName(job)}${place}`;
}

/** @param {any} job @param {Element} took @returns {[string, any][]} */
function factsOf(job, took) {
  /** @type {[string, any][]} */
  const all = [
    ["Owner", job.owner],
    ["Submitted", time(job.submitted)],
    ["Started", job.started && time(job.started)],
    ["Ended", job.ended && time(job.ended)],
    ["Took", job.started && took],
    ["Attempt", job.attempt > 1 && job.attempt],
    ["Id", el("code", {}, job.id)],
  ];
  return all.filter(([, value]) => value);
}
