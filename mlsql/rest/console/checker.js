// What is wrong with the script in an editor: asked for when typing pauses, underlined, listed.

import { Failure, check } from "./api.js";
import { div, el, fill, say } from "./dom.js";
import { markOf, placeOf, problemList } from "./places.js";

const PAUSE = 400; // after the last key

export class Checker {
  /** @param {import("./editor.js").Editor} editor @param {() => Record<string, string>} parameters */
  constructor(editor, parameters) {
    this.editor = editor;
    this.parameters = parameters;
    /** @type {import("./places.js").Problem[]} */
    this.problems = [];
    this.summary = el("p", { id: "problems-summary", class: "note", role: "status" });
    this.list = div("problem-space");
  }

  /** Check the script soon. */
  later() {
    clearTimeout(this.timer);
    this.asking?.abort();
    this.timer = setTimeout(() => this.#check(), PAUSE);
  }

  async #check() {
    const text = this.editor.value;
    if (!text.trim()) return this.show([], "");
    const { signal } = (this.asking = new AbortController());
    try {
      this.show(await check({ sql: text, parameters: this.parameters() }, signal));
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof Failure && error.status === 400) this.show(error.diagnostics);
      else this.show([], `Not checked: ${/** @type {Error} */ (error).message}`);
    }
  }

  /** @param {import("./places.js").Problem[]} problems */
  show(problems, summary = counted(problems)) {
    const text = this.editor.value;
    this.problems = problems;
    this.editor.mark(problems.map((each) => markOf(text, each)).filter((each) => each !== null));
    fill(this.list, problems.length > 0 && problemList(problems, (each) => this.jump(each)));
    say(this.summary, summary);
  }

  /** Go to where a problem is. @param {import("./places.js").Problem} problem */
  jump(problem) {
    const mark = markOf(this.editor.value, problem);
    if (mark) this.editor.jump(mark.start, mark.end);
  }

  /**
   * Go to the problem behind the cursor, or before it; behind the last comes the first.
   * @param {1 | -1} step
   */
  next(step) {
    const cursor = this.editor.area.selectionStart;
    const there = this.problems
      .map((each) => markOf(this.editor.value, each))
      .filter((each) => each !== null)
      .sort((one, other) => (one.start - other.start) * step);
    const next = there.find((each) => (each.start - cursor) * step > 0) ?? there[0];
    if (next) this.editor.jump(next.start, next.end);
  }

  /** Go to the first error. */
  first() {
    const error = this.problems.find((each) => each.severity !== "warning" && placeOf(each));
    if (error) this.jump(error);
  }
}

/** @param {import("./places.js").Problem[]} problems */
function counted(problems) {
  const warnings = problems.filter((each) => each.severity === "warning").length;
  const some = (/** @type {number} */ count, /** @type {string} */ what) =>
    count ? [`${count} ${what}${count === 1 ? "" : "s"}`] : [];
  const all = [...some(problems.length - warnings, "error"), ...some(warnings, "warning")];
  return all.join(", ") || "No problems";
}
