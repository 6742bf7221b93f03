// The result of a job: a page of its rows at a time, and all of them as a file.

import { below } from "./api.js";
import { button, div, el, fill, say, scrolling } from "./dom.js";
import { dataTable } from "./table.js";

const PAGE = 100;
const FORMS = ["csv", "json", "parquet", "arrow"];

/** @typedef {{id: string, name: string, result: {rows: number, complete: boolean}}} Job */

/** @param {Job} job one that succeeded @param {AbortSignal} signal */
export function resultView(job, signal) {
  const { rows, complete } = job.result;
  let offset = 0;
  /** @type {string[]} */
  let columns = [];
  const range = el("span", { role: "status" });
  const problem = el("p", { class: "problem", role: "alert" });
  const space = scrolling("Rows");
  const buttons = [
    button("First", () => show(0)),
    button("Previous", () => show(offset - PAGE)),
    button("Next", () => show(offset + PAGE)),
    button("Last", () => show(Math.floor((rows - 1) / PAGE) * PAGE)),
  ];
  const downloads = FORMS.map((form) => button(form, () => download(job, form, problem)));

  async function show(/** @type {number} */ wanted) {
    space.setAttribute("aria-busy", "true");
    say(problem, "");
    try {
      if (!columns.length) columns = await columnsOf(job.id, signal);
      const page = await (await below(job.id, `/result?limit=${PAGE}&offset=${wanted}`, signal)).json();
      offset = wanted;
      fill(space, dataTable(columns, page.map(valuesOf), offset));
      space.scrollTop = 0;
    } catch (error) {
      if (!signal.aborted) say(problem, /** @type {Error} */ (error).message);
    }
    space.removeAttribute("aria-busy");
    say(range, rangeText(offset, rows));
    buttons.forEach((each, at) => {
      each.disabled = at < 2 ? offset === 0 : offset + PAGE >= rows;
    });
  }

  const valuesOf = (/** @type {any} */ row) =>
    columns.map((name) => (Object.hasOwn(row, name) ? row[name] : null));

  show(0);
  const bar = div(
    "bar",
    el("h3", {}, "Result"),
    range,
    !complete && el("span", { class: "note" }, "the table had more rows than are kept"),
    rows > PAGE && el("span", { class: "pages", role: "group", "aria-label": "Pages" }, buttons),
    el("span", { class: "downloads", role: "group", "aria-label": "Download" }, "Download", downloads),
  );
  return el("section", { class: "result", "aria-label": "Result" }, bar, problem, space);
}

/**
 * The columns in their order, which the rows as JSON do not tell.
 * @param {string} id @param {AbortSignal} signal
 */
const columnsOf = async (id, signal) =>
  csvFields(await (await below(id, "/result?format=csv&limit=0", signal)).text());

/** @param {number} offset @param {number} rows */
function rangeText(offset, rows) {
  const [first, last, all] = [offset + 1, Math.min(offset + PAGE, rows), rows].map((each) =>
    each.toLocaleString("en"),
  );
  return rows > PAGE ? `${first}–${last} of ${all} rows` : `${all} ${rows === 1 ? "row" : "rows"}`;
}

/** The fields of one line of CSV. @param {string} line */
function csvFields(line) {
  const fields = [...line.replace(/\r?\n$/, "").matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)];
  return fields.map(([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain);
}

/**
 * Save the whole result; a link could not send the token.
 * @param {Job} job @param {string} form @param {Element} problem
 */
async function download(job, form, problem) {
  say(problem, "");
  try {
    const reply = await below(job.id, `/result?format=${form}`);
    save(await reply.blob(), `${job.name.replace(/[^\p{L}\p{N}._-]+/gu, "_")}.${form}`);
  } catch (error) {
    say(problem, /** @type {Error} */ (error).message);
  }
}

/** Save *blob* as a file. @param {Blob} blob @param {string} name */
export function save(blob, name) {
  const link = el("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
