// An editor: a textarea, whose undo, selection and input methods are the browser's, over its coloured text.

import { el } from "./dom.js";
import { lines, spans } from "./highlight.js";

/** @typedef {import("./highlight.js").Mark} Mark */

const INDENT = "  ";
const MOST_COLOURED = 200_000; // characters; longer scripts stay plain, and typing stays fast

export class Editor {
  /** @param {{changed: () => void, run: () => void, next: (step: 1 | -1) => void}} listener */
  constructor(listener) {
    this.listener = listener;
    /** @type {Mark[]} */
    this.marks = [];
    /** @type {string[]} */
    this.drawn = [];
    this.text = "";
    this.isLeaving = false;
    this.back = el("pre", { class: "code", "aria-hidden": "true" });
    this.area = el("textarea", {
      "aria-label": "Script",
      "aria-describedby": "problems-summary",
      "aria-keyshortcuts": "Control+Enter F8",
      autocapitalize: "off",
      autocomplete: "off",
      autocorrect: "off",
      spellcheck: "false",
      rows: 1,
      placeholder:
        'load csv.`/data/wine.csv` where header="true" as wine;\nselect count(*) as n from wine as counted;',
      oninput: () => this.#edited(),
      onkeydown: (/** @type {KeyboardEvent} */ event) => this.#pressed(event),
    });
    this.element = el("div", { class: "editor" }, this.back, this.area);
    this.#draw();
  }

  get value() {
    return this.area.value;
  }

  set value(text) {
    this.area.value = text;
    this.#edited();
  }

  /** Underline these. @param {Mark[]} marks */
  mark(marks) {
    this.marks = marks;
    this.#draw();
  }

  /** Put the cursor there, in sight. @param {number} start @param {number} [end] */
  jump(start, end = start) {
    this.area.focus({ preventScroll: true });
    this.area.setSelectionRange(start, end);
    const line = this.value.slice(0, start).split("\n").length - 1;
    this.back.children[line]?.scrollIntoView({ block: "nearest" });
  }

  #edited() {
    this.marks = moved(this.marks, this.text, this.value);
    this.#draw();
    this.listener.changed();
  }

  /** Draw the lines that are not what they were. */
  #draw() {
    this.text = this.value;
    const wanted =
      this.text.length > MOST_COLOURED
        ? this.text.split("\n").map((line) => /** @type {[string, string][]} */ ([["", line]]))
        : lines(this.text, this.marks);
    const keys = wanted.map((line) => JSON.stringify(line));
    const old = this.drawn;
    let first = 0;
    while (first < keys.length && first < old.length && keys[first] === old[first]) first++;
    let same = 0;
    while (same < Math.min(keys.length, old.length) - first && keys.at(-1 - same) === old.at(-1 - same))
      same++;
    for (const line of [...this.back.children].slice(first, old.length - same)) line.remove();
    const before = this.back.children[first] ?? null;
    for (const line of wanted.slice(first, keys.length - same))
      this.back.insertBefore(drawnLine(line), before);
    this.drawn = keys;
  }

  #pressed(/** @type {KeyboardEvent} */ event) {
    if (event.isComposing) return; // the key belongs to an input method
    const isLeaving = this.isLeaving;
    this.isLeaving = event.key === "Escape" || (isLeaving && event.key === "Shift");
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) this.listener.run();
    else if (event.key === "F8") this.listener.next(event.shiftKey ? -1 : 1);
    else if (event.key === "Tab" && !isLeaving && !event.ctrlKey && !event.altKey)
      this.#indent(event.shiftKey);
    else if (event.key === "Enter" && !event.shiftKey) this.#newLine();
    else return;
    event.preventDefault();
  }

  #indent(/** @type {boolean} */ isLess) {
    const { selectionStart: start, selectionEnd: end, value } = this.area;
    if (!isLess && start === end) return insert(INDENT);
    const from = value.lastIndexOf("\n", start - 1) + 1;
    const block = value.slice(from, end);
    const shifted = isLess ? block.replace(/^ {1,2}/gm, "") : block.replace(/^(?=.)/gm, INDENT);
    if (shifted === block) return;
    this.area.setSelectionRange(from, end);
    insert(shifted);
    const cursor = from + shifted.length;
    this.area.setSelectionRange(start === end ? cursor : from, cursor);
  }

  /** A line that begins where this one does. */
  #newLine() {
    const { selectionStart: start, value } = this.area;
    const [blanks] = /** @type {RegExpExecArray} */ (
      /^[ \t]*/.exec(value.slice(value.lastIndexOf("\n", start - 1) + 1, start))
    );
    insert(`\n${blanks}`);
  }
}

/** As if it had been typed: this alone keeps the browser's undo whole. */
function insert(/** @type {string} */ text) {
  document.execCommand("insertText", false, text);
}

const drawnLine = (/** @type {[string, string][]} */ line) =>
  el("span", { class: "line" }, spans(line), "\n");

/**
 * Marks where their text is after an edit; those in it are gone.
 * @param {Mark[]} marks @param {string} before @param {string} after
 */
export function moved(marks, before, after) {
  if (!marks.length || before === after) return marks;
  const shortest = Math.min(before.length, after.length);
  let first = 0;
  while (first < shortest && before[first] === after[first]) first++;
  let same = 0;
  while (same < shortest - first && before.at(-1 - same) === after.at(-1 - same)) same++;
  const by = after.length - before.length;
  return marks
    .filter((each) => each.end <= first || each.start >= before.length - same)
    .map((each) => (each.end <= first ? each : { ...each, start: each.start + by, end: each.end + by }));
}
