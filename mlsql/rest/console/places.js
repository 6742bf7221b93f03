// Errors and warnings with their places, as a list that leads to them.

import { el } from "./dom.js";

export const SCRIPT = "<script>"; // what the service calls the text that it was sent

/**
 * @typedef {{
 *   message: string, hint?: string?, severity?: string, excerpt?: string?, origin?: any[],
 *   file?: string?, line?: number?, column?: number?, endLine?: number?, endColumn?: number?,
 * }} Problem
 */

/**
 * Where in the submitted text a problem is: its own place, or where what it is in was brought in.
 * @param {Problem} problem
 */
export function placeOf(problem) {
  return [problem, ...(problem.origin ?? [])].find((each) => each.file === SCRIPT && each.line) ?? null;
}

/**
 * The index of a line and column, which count code points from 1.
 * @param {string} text @param {number} line @param {number} column
 */
export function offsetOf(text, line, column) {
  let start = 0;
  for (let number = 1; number < line && start >= 0; number++) start = text.indexOf("\n", start) + 1 || -1;
  if (start < 0) return text.length;
  const [rest] = text.slice(start).split("\n", 1);
  return start + [...rest].slice(0, Math.max(0, column - 1)).join("").length;
}

/** What to underline; at least one character. @param {string} text @param {Problem} problem */
export function markOf(text, problem) {
  const place = placeOf(problem);
  if (!place) return null;
  let start = offsetOf(text, place.line, place.column ?? 1);
  let end = place.endLine ? offsetOf(text, place.endLine, place.endColumn ?? 1) : start;
  if (end <= start) end = Math.min(start + 1, text.length);
  if (end <= start || text[start] === "\n") [start, end] = [Math.max(0, start - 1), start];
  return { start, end, severity: problem.severity ?? "error" };
}

/**
 * The problems as a list; a click on one calls *jump*, where there is somewhere to jump to.
 * @param {Problem[]} problems @param {((problem: Problem) => void) | null} jump
 */
export function problemList(problems, jump) {
  return el(
    "ul",
    { class: "problems" },
    problems.map((each) => item(each, jump)),
  );
}

function item(/** @type {Problem} */ problem, /** @type {any} */ jump) {
  const severity = problem.severity ?? "error";
  const text = [
    problem.line && el("span", { class: "place" }, placeText(problem)),
    el("span", { class: "visually-hidden" }, `${severity}: `),
    el("span", { class: "message" }, problem.message),
    problem.hint && el("span", { class: "hint" }, problem.hint),
  ];
  const isLink = jump && placeOf(problem);
  return el(
    "li",
    { class: severity },
    isLink
      ? el("button", { type: "button", class: "jump", onclick: () => jump(problem) }, text)
      : el("div", {}, text),
    problem.excerpt && el("pre", { class: "excerpt" }, problem.excerpt),
  );
}

const placeText = (/** @type {Problem} */ { file, line, column }) =>
  `${file && file !== SCRIPT ? `${file}:` : ""}${line}:${column ?? 1}`;
