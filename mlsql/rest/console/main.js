// The start: pages, log in, keys, and whether the server answers.

import { list, send, session } from "./api.js";
import { el, fill, hiddenHeading, say } from "./dom.js";
import { titleOf } from "./head.js";
import { JobView, scriptView } from "./job.js";
import { JobList } from "./jobs.js";
import { install } from "./login.js";
import { follow } from "./router.js";
import { ScriptPage } from "./script.js";

const main = /** @type {HTMLElement} */ (document.getElementById("main"));
const logout = /** @type {HTMLButtonElement} */ (document.getElementById("logout"));
const keys = /** @type {HTMLDialogElement} */ (document.getElementById("keys"));
const connection = /** @type {HTMLElement} */ (document.getElementById("connection"));

const showLogout = (/** @type {boolean} */ isLoggedIn) => {
  logout.hidden = !isLoggedIn;
};

/** @type {number | undefined} */
let again;
session.connected = (answers) => {
  say(connection, answers ? "" : "No connection");
  clearTimeout(again);
  if (!answers) again = setTimeout(() => send("health/liveness").catch(() => {}), 3000);
};
install(showLogout);
showLogout(Boolean(session.token));
const script = new ScriptPage();
list(new URLSearchParams({ limit: "1" })).catch(() => {}); // whether a token is asked for

/** @type {{end: () => void} | null} */
let page = null;
let isFirst = true;

follow(({ page: name, id, query }) => {
  page?.end();
  page = null;
  document.title = { script: "Script", jobs: "Jobs", job: "Job" }[name] + " · mlsql";
  for (const link of document.querySelectorAll("nav a")) {
    const isHere = link.getAttribute("data-page") === (name === "job" ? "jobs" : name);
    if (isHere) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (name === "script") fill(main, script.element);
  if (name === "jobs") fill(main, (page = new JobList(query)).element);
  if (name === "job") showJob(id);
  if (!isFirst) /** @type {HTMLElement | null} */ (main.querySelector("h1"))?.focus();
  isFirst = false;
});

function showJob(/** @type {string} */ id) {
  const told = (/** @type {any} */ job) => {
    document.title = titleOf(job);
  };
  const view = new JobView(id, { told });
  const space = el("div");
  fill(main, hiddenHeading("Job"), view.element, space);
  page = view;
  const edit = (/** @type {string} */ text) => {
    script.open(text);
    location.hash = "#/";
  };
  const isNone = () => {}; // the view above says why
  scriptView(id, view.stop.signal, edit).then((shown) => fill(space, shown), isNone);
}

logout.addEventListener("click", () => {
  session.token = null;
  script.clear();
  location.hash = "#/";
  location.reload(); // nothing of what was seen stays
});

document.querySelector(".skip")?.addEventListener("click", (event) => {
  event.preventDefault(); // the address says which page is shown
  main.focus();
});

document.getElementById("help")?.addEventListener("click", () => keys.showModal());

let before = "";
addEventListener("keydown", (event) => {
  const isTyped = event.target instanceof Element && event.target.closest("input, textarea, select, dialog");
  if (isTyped || event.ctrlKey || event.metaKey || event.altKey) return;
  const goes = before === "g" ? { s: "#/", j: "#/jobs" }[event.key] : undefined;
  if (goes) location.hash = goes;
  else if (event.key === "?") keys.showModal();
  before = event.key;
});
