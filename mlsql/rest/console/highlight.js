// A script in pieces for colours, cut as the grammar's scanner cuts it: the first word of a
// statement says whether the rest is options, SQL or a command.

import { el } from "./dom.js";

/** @typedef {{start: number, end: number, kind: string}} Piece */

const words = (/** @type {string} */ text) => new Set(text.split(/\s+/));

const OPTIONS = words("load save set connect train run predict register unregister include");
const OF_OPTIONS = words(`load save set connect train run predict register unregister include overwrite append
  errorifexists ignore partitionby as into where options and`);
const OF_SQL =
  words(`select with as from where and or not in is null like rlike between exists case when then else end
  join inner left right full outer cross semi anti natural lateral view on using group by having order sort cluster
  distribute limit offset union all except intersect distinct over partition rows range unbounded preceding following
  current row asc desc nulls first last filter within grouping sets cube rollup pivot unpivot tablesample values
  cast try_cast interval true false create or replace temporary view table database schema function if insert into
  overwrite drop refresh alter truncate merge matched update set delete use analyze show describe explain add column
  columns rename to tblproperties comment cache uncache tables partitions extended date timestamp window qualify`);

const STRING = String.raw`'''[\s\S]*?'''(?!')|"""[\s\S]*?"""(?!")|'(?:[^'\\]|\\[\s\S])*'|"(?:[^"\\]|\\[\s\S])*"|["'][^\n]*`;
const COMMON = [
  String.raw`(?<string>${STRING})`,
  "(?<path>`(?:[^`]|``)*`|`[^\\n]*)",
  String.raw`(?<variable>\$\{[^{}\n]*\})`,
  "(?<stop>;)",
];
const COMMENT = String.raw`(?<comment>--[^\n]*|/\*)`;
const TEXT = new RegExp(
  [
    COMMENT,
    ...COMMON,
    String.raw`(?<number>(?<![\p{L}\p{N}_.}])(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d+)?(?![\p{L}\p{N}_$]))`,
    String.raw`(?<command>(?<=^|;|\n)\s*!\w+)`,
    "(?<format>[\\p{L}\\p{N}_]+(?=\\s*\\.\\s*`))",
    String.raw`(?<word>[\p{L}\p{N}_]+)`,
    String.raw`(?<other>[\s\S])`,
  ].join("|"),
  "gu",
);
const COMMAND = new RegExp(
  [String.raw`(?<=\s)${COMMENT}`, ...COMMON, "(?<other>[^\\s;\"'`$]+|[\\s\\S])"].join("|"),
  "gu",
);
const EDGE = /\/\*|\*\//g;
const VARIABLE = /\$\{[^{}\n]*\}/g;

/** The coloured pieces of a script, in order; what lies between them has no colour. @param {string} text */
export function pieces(text) {
  /** @type {Piece[]} */
  const found = [];
  let pattern = TEXT;
  let keywords = null;
  for (let position = 0; position < text.length;) {
    pattern.lastIndex = position;
    const match = /** @type {any} */ (pattern.exec(text));
    if (!match) break;
    const start = match.index;
    let [kind] = Object.entries(match.groups).find(([, value]) => value !== undefined) ?? ["other"];
    let end = start + match[0].length;
    if (kind === "comment" && match.groups.comment === "/*") end = commentEnd(text, end);
    position = end;
    if (kind === "stop") [pattern, keywords] = [TEXT, null];
    if (kind === "command") pattern = COMMAND;
    if (kind === "word" || kind === "format") {
      const word = match[0].toLowerCase();
      keywords ??= OPTIONS.has(word) ? OF_OPTIONS : OF_SQL;
      if (kind === "word") kind = keywords.has(word) ? "keyword" : "other";
    }
    if (kind !== "other" && kind !== "stop") found.push(...withVariables(text, { start, end, kind }));
  }
  return found;
}

/** Where a comment ends; comments nest. @param {string} text @param {number} position */
function commentEnd(text, position) {
  EDGE.lastIndex = position;
  for (let depth = 1, edge; (edge = EDGE.exec(text));) {
    depth += edge[0] === "*/" ? -1 : 1;
    if (depth === 0) return EDGE.lastIndex;
  }
  return text.length;
}

/**
 * Texts and paths with the variables in them.
 * @param {string} text @param {Piece} piece @returns {Piece[]}
 */
function withVariables(text, piece) {
  if (piece.kind !== "string" && piece.kind !== "path") return [piece];
  const parts = [];
  let { start } = piece;
  for (const match of text.slice(piece.start, piece.end).matchAll(VARIABLE)) {
    const at = piece.start + match.index;
    parts.push({ ...piece, start, end: at }, { start: at, end: at + match[0].length, kind: "variable" });
    start = at + match[0].length;
  }
  return [...parts, { ...piece, start }].filter((each) => each.start < each.end);
}

/** @typedef {{start: number, end: number, severity: string}} Mark */

/**
 * The lines of a script, each a list of classes and texts: colours, and underlines of *marks*.
 * @param {string} text @param {Mark[]} marks @returns {[string, string][][]}
 */
export function lines(text, marks) {
  const edges = new Set([0, text.length]);
  const coloured = pieces(text);
  for (const each of [...coloured, ...marks]) edges.add(each.start).add(each.end);
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) edges.add(at).add(at + 1);
  const cuts = [...edges].sort((one, other) => one - other);
  /** @type {[string, string][][]} */
  const found = [[]];
  for (let number = 0, piece = 0; number < cuts.length - 1; number++) {
    const [start, end] = [cuts[number], cuts[number + 1]];
    while (piece < coloured.length && coloured[piece].end <= start) piece++;
    if (text[start] === "\n") {
      found.push([]);
      continue;
    }
    const colour = coloured[piece]?.start <= start ? coloured[piece].kind : "";
    const mark = marks.find((each) => each.start <= start && end <= each.end)?.severity ?? "";
    found[found.length - 1].push([`${colour} ${mark}`.trim(), text.slice(start, end)]);
  }
  return found;
}

/** The elements of one line. @param {[string, string][]} line */
export const spans = (line) => line.map(([kind, text]) => (kind ? el("span", { class: kind }, text) : text));

/** A whole script in colours. @param {string} text */
export const coloured = (text) => lines(text, []).map((line, number) => [number ? "\n" : "", ...spans(line)]);
