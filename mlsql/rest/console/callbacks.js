// Whom the end of a job is told, how that goes, and once more.

import { below, replay } from "./api.js";
import { el, fill, say, time } from "./dom.js";

const EVERY = 2000;

/** The states of jobs that those of callbacks look like. @type {Record<string, string>} */
const COLOURS = { pending: "queued", delivered: "succeeded", dead: "failed" };

export class CallbackView {
  /** @param {string} id a job that has ended @param {AbortSignal} signal */
  constructor(id, signal) {
    this.id = id;
    this.signal = signal;
    this.problem = el("p", { class: "problem", role: "alert" });
    this.list = el("ul", { class: "callbacks" });
    this.element = el(
      "section",
      { "aria-label": "Callbacks", hidden: true },
      el("h3", {}, "Callbacks"),
      this.problem,
      this.list,
    );
    this.#load();
  }

  async #load() {
    try {
      const { callbacks } = await (await below(this.id, "/callbacks", this.signal)).json();
      this.element.hidden = callbacks.length === 0;
      fill(
        this.list,
        callbacks.map((/** @type {any} */ each) => this.#item(each)),
      );
      if (callbacks.some((/** @type {any} */ each) => each.state === "pending")) this.#later();
    } catch (error) {
      if (!this.signal.aborted) this.#fail(error);
    }
  }

  #later() {
    const timer = setTimeout(() => this.#load(), EVERY);
    this.signal.addEventListener("abort", () => clearTimeout(timer));
  }

  #item(/** @type {any} */ { number, url, state, tries, nextTry, error }) {
    return el(
      "li",
      {},
      el(
        "span",
        {
          class: `state ${COLOURS[state]}`,
        },
        state,
      ),
      el("code", {}, url),
      el(
        "span",
        { class: "note" },
        `${tries} ${tries === 1 ? "try" : "tries"}`,
        nextTry && [", the next at ", time(nextTry)],
      ),
      error && el("span", { class: "problem" }, error),
      state !== "pending" &&
        el("button", { type: "button", onclick: () => this.#again(number) }, "Send again"),
    );
  }

  async #again(/** @type {number} */ number) {
    say(this.problem, "");
    try {
      await replay(this.id, number);
      await this.#load();
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(/** @type {any} */ error) {
    this.element.hidden = false;
    say(this.problem, error.message);
  }
}
