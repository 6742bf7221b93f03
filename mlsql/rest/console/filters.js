// What a list of jobs is narrowed by; the address holds it.

import { el } from "./dom.js";

const STATES = ["queued", "running", "succeeded", "failed", "cancelled", "timed_out", "lost"];

/** A form for the state, name and owner that jobs have. @param {URLSearchParams} query what it is now */
export function filterForm(query) {
  const field = (/** @type {string} */ name, /** @type {string} */ label) =>
    el("input", {
      name,
      value: query.get(name) ?? "",
      "aria-label": label,
      placeholder: label,
      autocomplete: "off",
      spellcheck: "false",
    });
  const options = ["", ...STATES].map((each) =>
    el(
      "option",
      { value: each, selected: each === (query.get("state") ?? "") },
      each.replace("_", " ") || "Every state",
    ),
  );
  const submit = () => form.requestSubmit();
  const states = el("select", { name: "state", "aria-label": "State", onchange: submit }, options);
  const form = el(
    "form",
    {
      class: "filters",
      role: "search",
      onsubmit: (/** @type {Event} */ event) => {
        event.preventDefault();
        location.hash = hashOf(new FormData(form));
      },
    },
    states,
    field("name", "Name"),
    field("owner", "Owner"),
    el("button", { type: "submit" }, "Filter"),
  );
  return form;
}

/** @param {FormData} fields */
function hashOf(fields) {
  const given = [...fields].filter(([, value]) => value);
  return `#/jobs?${new URLSearchParams(/** @type {any} */ (given))}`.replace(/\?$/, "");
}
