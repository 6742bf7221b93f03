// The list of jobs: filters, pages, and what changes while one looks.

import { list } from "./api.js";
import { duration, el, fill, heading, say, time } from "./dom.js";
import { ENDS } from "./events.js";
import { filterForm } from "./filters.js";
import { jobName, stateBadge } from "./head.js";
import { jobHash } from "./router.js";

const PAGE = 50;
const EVERY = 4000;
const COLUMNS = ["State", "Name", "Owner", "Submitted", "Took", "Progress"];

export class JobList {
  /** @param {URLSearchParams} query the filters */
  constructor(query) {
    this.query = query;
    this.stop = new AbortController();
    this.isPaged = false; // what was turned over stays as it is
    this.rows = el("tbody");
    /** @type {Map<string, {told: string, row: Element}>} */
    this.known = new Map();
    this.problem = el("p", { class: "problem", role: "alert" });
    this.state = el("p", { class: "note", role: "status" }, "Loading …");
    this.more = el(
      "button",
      { type: "button", hidden: true, onclick: () => this.#load(this.next) },
      "Older jobs",
    );
    this.table = el(
      "table",
      { class: "jobs", hidden: true },
      el(
        "thead",
        {},
        el(
          "tr",
          {},
          COLUMNS.map((name) => el("th", { scope: "col" }, name)),
        ),
      ),
      this.rows,
    );
    this.element = el(
      "section",
      {},
      el("div", { class: "bar" }, heading("Jobs"), filterForm(query)),
      this.problem,
      el("div", { class: "scroll", role: "region", "aria-label": "Jobs", tabindex: 0 }, this.table),
      this.state,
      this.more,
    );
    const timer = setInterval(() => document.hidden || this.isPaged || this.#load(), EVERY);
    this.stop.signal.addEventListener("abort", () => clearInterval(timer));
    this.#load();
  }

  end() {
    this.stop.abort();
  }

  /** The newest page, or the one from *cursor* on. @param {string} [cursor] */
  async #load(cursor) {
    const query = new URLSearchParams({
      ...Object.fromEntries(this.query),
      limit: String(PAGE),
      ...(cursor && { cursor }),
    });
    try {
      const page = await list(query, this.stop.signal);
      say(this.problem, "");
      this.isPaged ||= Boolean(cursor);
      this.#draw(page, Boolean(cursor));
    } catch (error) {
      if (this.stop.signal.aborted) return;
      say(this.problem, /** @type {Error} */ (error).message);
      if (this.table.hidden) say(this.state, "");
    }
  }

  #draw(/** @type {any} */ page, /** @type {boolean} */ isMore) {
    const rows = page.jobs.map((/** @type {any} */ job) => this.#row(job));
    if (isMore) this.rows.append(...rows);
    else if (
      rows.length !== this.rows.children.length ||
      rows.some((/** @type {any} */ row, /** @type {number} */ at) => row !== this.rows.children[at])
    )
      fill(this.rows, rows);
    const count = this.rows.children.length;
    this.next = page.next;
    this.table.hidden = count === 0;
    this.more.hidden = !page.next;
    say(this.state, count ? counted(count, page.next) : this.#nothing());
    if (isMore) rows[0]?.querySelector("a")?.focus();
  }

  #nothing() {
    return [...this.query.keys()].length ? "No job is like that." : "There are no jobs yet.";
  }

  /** The row of a job; the one there was, when nothing in it is new. @param {any} job */
  #row(job) {
    const told = JSON.stringify(job);
    const old = this.known.get(job.id);
    if (old?.told === told && ENDS.has(job.state)) return old.row;
    const cells = [
      stateBadge(job),
      el("a", { href: jobHash(job.id) }, jobName(job)),
      job.owner,
      time(job.submitted),
      duration(job.started, job.ended),
      howFar(job),
    ];
    const row =
      old?.row ??
      el(
        "tr",
        {},
        COLUMNS.map((name) => el("td", { "data-name": name })),
      );
    cells.forEach((each, at) => {
      if (!(old && at === 1)) fill(row.children[at], each);
    });
    this.known.set(job.id, { told, row });
    return row;
  }
}

/** @param {number} count @param {string | null} next */
const counted = (count, next) => `${count} ${count === 1 ? "job" : "jobs"}${next ? ", and older ones" : ""}`;

function howFar(/** @type {any} */ { state, statement, result, error }) {
  if (result) return `${result.rows.toLocaleString("en")} ${result.rows === 1 ? "row" : "rows"}`;
  if (error) return el("span", { class: "note" }, error.message);
  return statement && !ENDS.has(state) ? `statement ${statement.number} of ${statement.total}` : "";
}
