// How far a job is: statement n of m, what takes long, Spark's tasks; and the metrics of trainers.

import { el } from "./dom.js";
import { dataTable } from "./table.js";

/** @param {any} job @param {boolean} isOver */
export function progressView(job, isOver) {
  if (isOver)
    return job.state !== "succeeded" && job.statement && statementText(job.statement, "Ended in statement");
  if (job.state === "queued") return bar("Waiting for its turn", null);
  const { statement, spark } = job;
  return [
    statement && bar(statementText(statement, "Statement"), (statement.number - 1) / statement.total),
    spark &&
      spark.tasks > 0 &&
      bar(
        `Spark: ${spark.completed} of ${spark.tasks} tasks${spark.failed ? `, ${spark.failed} failed` : ""}`,
        spark.completed / spark.tasks,
      ),
    job.progress.map((/** @type {any} */ each) => bar(`${each.what}: ${each.doing}`, each.share)),
  ];
}

const statementText = (/** @type {any} */ { number, total, line, title }, /** @type {string} */ verb) =>
  el("span", { class: "statement" }, `${verb} ${number} of ${total}, line ${line} `, el("code", {}, title));

/**
 * A bar under its words; without a share it only shows that something goes on.
 * @param {any} words @param {number?} share
 */
const bar = (words, share) =>
  el(
    "label",
    { class: "bar-of" },
    words,
    el("progress", { max: 1, value: share === null ? null : Math.min(1, share) }),
  );

/**
 * A row a candidate, a column a metric, the newest values.
 * @param {{candidate: number, name: string, value: number?}[]} metrics
 */
export function metricTable(metrics) {
  if (!metrics.length) return null;
  const names = [...new Set(metrics.map((each) => each.name))];
  const candidates = [...new Set(metrics.map((each) => each.candidate))].sort((one, other) => one - other);
  const rows = candidates.map((candidate) => [
    candidate,
    ...names.map((name) =>
      shortened(metrics.find((each) => each.candidate === candidate && each.name === name)?.value),
    ),
  ]);
  return el(
    "figure",
    {},
    el("figcaption", {}, "Metrics"),
    el(
      "div",
      { class: "scroll", tabindex: 0, role: "region", "aria-label": "Metrics" },
      dataTable(["candidate", ...names], rows),
    ),
  );
}

const shortened = (/** @type {number | null | undefined} */ value) =>
  value == null ? null : Number(value.toPrecision(6));
