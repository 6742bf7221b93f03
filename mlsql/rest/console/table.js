// Values as a table.

import { button, el, say } from "./dom.js";

const LONG = 80;
const NUMBER = /^-?\d+(\.\d+)?([eE][+-]?\d+)?$/; // decimals and large integers come as texts

/**
 * A table of values as JSON has them.
 * @param {string[]} columns @param {any[][]} rows
 * @param {number} [offset] the number before the first row's; without it rows have none
 */
export function dataTable(columns, rows, offset) {
  const kinds = columns.map((_, at) => kindOf(rows.map((row) => row[at])));
  const corner = el("th", { scope: "col", class: "count" }, el("span", { class: "visually-hidden" }, "Row"));
  const isNumbered = offset !== undefined;
  const line = (/** @type {any[]} */ row, /** @type {number} */ number) =>
    el(
      "tr",
      {},
      isNumbered && el("th", { scope: "row", class: "count" }, offset + number + 1),
      row.map((value, at) => el("td", { class: kinds[at] }, cell(value))),
    );
  const names = columns.map((name, at) => el("th", { scope: "col", class: kinds[at] }, name));
  return el(
    "table",
    {},
    el("thead", {}, el("tr", {}, isNumbered && corner, names)),
    el("tbody", {}, rows.map(line)),
  );
}

function kindOf(/** @type {any[]} */ values) {
  const given = values.filter((each) => each !== null && each !== undefined);
  const isNumber = (/** @type {any} */ each) =>
    typeof each === "number" || (typeof each === "string" && NUMBER.test(each));
  return given.length > 0 && given.every(isNumber) ? "number" : "";
}

/** A value; null, an empty text and a text are told apart. @param {any} value */
function cell(value) {
  if (value === null || value === undefined) return el("span", { class: "null" }, "null");
  if (value === "") return el("span", { class: "empty" }, "empty text");
  const text = typeof value === "string" ? value : JSON.stringify(value);
  const [line] = text.split("\n", 1);
  return line.length < text.length || text.length > LONG ? long(text, line) : text;
}

/** The beginning of a text, and a button that shows the rest. @param {string} text @param {string} line */
function long(text, line) {
  const short = [...line].slice(0, LONG).join("");
  const shown = el("span", { class: "long" }, short);
  const turn = () => {
    const isOpen = shown.classList.toggle("whole");
    more.setAttribute("aria-expanded", String(isOpen));
    say(more, isOpen ? "less" : "…");
    say(shown, isOpen ? text : short);
  };
  const more = button("…", turn, {
    class: "more",
    "aria-expanded": "false",
    "aria-label": "Show the whole text",
  });
  return [shown, more];
}
