// What a job tells, line by line; it follows the end until the reader scrolls up.

import { below } from "./api.js";
import { clock, el, say } from "./dom.js";
import { save } from "./result.js";

const MOST = 2000;

export class LogView {
  /** @param {string} id */
  constructor(id) {
    this.count = 0;
    this.dropped = el("p", { class: "note", hidden: true }, "Earlier lines are in the file.");
    this.lines = el("pre", {
      class: "log",
      role: "log",
      "aria-live": "off",
      "aria-label": "Log",
      tabindex: 0,
    });
    const problem = el("span", { class: "problem", role: "alert" });
    const load = el("button", { type: "button", onclick: () => download(id, problem) }, "Download");
    this.element = el(
      "section",
      { "aria-label": "Log" },
      el("div", { class: "bar" }, el("h3", {}, "Log"), problem, load),
      this.dropped,
      this.lines,
    );
  }

  /** @param {import("./events.js").Event} event */
  take(event) {
    const isAtEnd = this.lines.scrollTop + this.lines.clientHeight >= this.lines.scrollHeight - 8;
    const at = clock(new Date(event.data.at));
    for (const text of linesOf(event)) {
      this.lines.append(
        el(
          "span",
          { "data-kind": event.kind, "data-level": event.data.level },
          el("time", { datetime: event.data.at }, `${at} `),
          text,
          "\n",
        ),
      );
      this.count++;
    }
    while (this.count > MOST) {
      this.lines.firstChild?.remove();
      this.count--;
      this.dropped.hidden = false;
    }
    if (isAtEnd) this.lines.scrollTop = this.lines.scrollHeight;
  }
}

/**
 * What the log says of an event, as the service writes it into the file.
 * @param {any} event @returns {string[]}
 */
function linesOf({ kind, data }) {
  switch (kind) {
    case "state":
      return [`the job is ${data.state.replace("_", " ")}${data.message ? `: ${data.message}` : ""}`];
    case "statement":
      return [`[${data.number}/${data.total}] ${data.title}`];
    case "statement_ended":
      return [`${data.seconds.toFixed(1)} s${data.summary ? `, ${data.summary}` : ""}`];
    case "log":
      return data.message.split("\n");
    case "metric":
      return [`candidate ${data.candidate}: ${data.name} ${data.value}`];
    case "table":
      return [data.title];
    default:
      return [];
  }
}

/** The whole log, which comes in parts. @param {string} id @param {Element} problem */
async function download(id, problem) {
  say(problem, "");
  const parts = [];
  try {
    for (let offset = "0", more = true; more;) {
      const reply = await below(id, `/log?offset=${offset}`);
      parts.push(await reply.blob());
      more = parts[parts.length - 1].size > 0;
      offset = reply.headers.get("X-Next-Offset") ?? offset;
    }
    save(new Blob(parts, { type: "text/plain" }), `${id}.log`);
  } catch (error) {
    say(problem, /** @type {Error} */ (error).message);
  }
}
