// The page to write a script on: editor, problems, run, and the job that it became.

import { Failure, submit } from "./api.js";
import { Checker } from "./checker.js";
import { button, div, el, fill, hiddenHeading, say } from "./dom.js";
import { Editor } from "./editor.js";
import { titleOf } from "./head.js";
import { JobView } from "./job.js";

const DRAFT = "mlsql.draft";

export class ScriptPage {
  constructor() {
    /** What was sent and not answered. @type {{body: string, key: string} | undefined} */
    this.unanswered = undefined;
    this.editor = new Editor({
      changed: () => this.#changed(),
      run: () => this.#run(),
      next: (step) => this.checker.next(step),
    });
    this.checker = new Checker(this.editor, () => parametersOf(this.variables.value));
    this.failure = el("p", { class: "problem", role: "alert" });
    this.name = el("input", { id: "name", autocomplete: "off", maxlength: 200, placeholder: "its id" });
    this.variables = el("textarea", {
      id: "variables",
      rows: 2,
      spellcheck: "false",
      placeholder: "day=2026-01-31",
      oninput: () => this.#changed(),
    });
    this.limit = el("input", { id: "limit", type: "number", min: 1, placeholder: "none" });
    this.button = button("Run", () => this.#run(), { class: "primary", title: "Ctrl Enter" });
    this.space = div("");
    const fields = div(
      "fields",
      field(this.name, "Name"),
      field(this.variables, "Variables, one name=value a line"),
      field(this.limit, "Seconds at most"),
    );
    const more = el(
      "details",
      { class: "more-fields" },
      el("summary", {}, "Name, variables, time limit"),
      fields,
    );
    const bar = div("bar", this.button, this.checker.summary, more);
    const parts = [this.editor.element, bar, this.failure, this.checker.list, this.space];
    this.element = el("section", { class: "script-page" }, hiddenHeading("Script"), parts);
    this.editor.value = sessionStorage.getItem(DRAFT) ?? "";
  }

  /** Put *text* into the editor. @param {string} text */
  open(text) {
    this.editor.value = text;
  }

  /** Forget what the last person saw. */
  clear() {
    this.job?.end();
    fill(this.space);
    this.open("");
    sessionStorage.removeItem(DRAFT);
  }

  #changed() {
    sessionStorage.setItem(DRAFT, this.editor.value);
    this.checker.later();
  }

  async #run() {
    if (this.button.disabled || !this.editor.value.trim()) return;
    this.button.disabled = true;
    say(this.failure, "");
    const given = {
      script: this.editor.value,
      name: this.name.value,
      parameters: parametersOf(this.variables.value),
      ...(this.limit.value && { timeout: Math.round(Number(this.limit.value) * 1000) }),
    };
    const body = JSON.stringify(given);
    if (this.unanswered?.body !== body) this.unanswered = { body, key: newKey() };
    try {
      const { id } = await submit(given, this.unanswered.key);
      this.unanswered = undefined;
      this.#follow(id);
    } catch (error) {
      const isOfScript = error instanceof Failure && error.diagnostics.some((each) => each.line);
      if (error instanceof Failure) this.unanswered = undefined; // without an answer the same key asks again
      if (isOfScript) this.#refused(error.diagnostics);
      else say(this.failure, /** @type {Error} */ (error).message);
    } finally {
      this.button.disabled = false;
    }
  }

  /**
   * Show what the server finds wrong, unless the check has, which knows more of each place.
   * @param {any[]} problems
   */
  #refused(problems) {
    if (!this.checker.problems.some((each) => each.severity === "error")) this.checker.show(problems);
    say(this.failure, "Nothing was run: the script has errors.");
    this.checker.first();
  }

  #follow(/** @type {string} */ id) {
    this.job?.end();
    const told = (/** @type {any} */ job) => {
      if (this.element.isConnected) document.title = titleOf(job);
    };
    this.job = new JobView(id, { told, jump: (problem) => this.checker.jump(problem) });
    fill(this.space, this.job.element);
  }
}

const newKey = () =>
  [...crypto.getRandomValues(new Uint32Array(4))].map((each) => each.toString(16)).join("-");

const field = (/** @type {any} */ input, /** @type {string} */ label) =>
  el("div", {}, el("label", { for: input.id }, label), input);

/** Lines of name=value as the service takes them. @param {string} text */
function parametersOf(text) {
  const lines = text.split("\n").filter((line) => line.trim());
  return Object.fromEntries(
    lines.map((line) => {
      const [name, ...value] = line.split("=");
      return [name.trim(), value.join("=").trim()];
    }),
  );
}
