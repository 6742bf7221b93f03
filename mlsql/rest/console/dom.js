// Elements from plain values. Texts become text nodes, never HTML.

/** @typedef {any} Child a node, a text, a number; nothing (null, undefined, false); or a list of them */

/**
 * An element with attributes and children. A function is listened to under its name (`onclick`),
 * `true` sets an attribute without a value, and what is false, null or undefined is left out.
 * @param {string} tag
 * @param {Record<string, any>} [attributes]
 * @param {...Child} children
 * @returns {any}
 */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else if (value !== false && value != null)
      element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...shown(children));
  return element;
}

/** @param {string} kind its class @param {...Child} children */
export const div = (kind, ...children) => el("div", { class: kind }, ...children);

/** @param {string} text @param {() => void} onclick @param {Record<string, any>} [attributes] */
export const button = (text, onclick, attributes = {}) =>
  el("button", { type: "button", onclick, ...attributes }, text);

/**
 * What may be wider than the page; it is reached by keyboard, to be scrolled.
 * @param {string} label @param {...Child} children
 */
export const scrolling = (label, ...children) =>
  el("div", { class: "scroll", role: "region", "aria-label": label, tabindex: 0 }, ...children);

/**
 * Put *children* in the place of all that is in *parent*.
 * @param {Element} parent @param {...Child} children
 */
export function fill(parent, ...children) {
  parent.replaceChildren(...shown(children));
}

/** Change the text only when it differs, so that screen readers are not told twice. */
export function say(/** @type {Element} */ element, /** @type {string} */ text) {
  if (element.textContent !== text) element.textContent = text;
}

function shown(/** @type {any[]} */ children) {
  return children
    .flat(Infinity)
    .filter((each) => each !== null && each !== undefined && each !== false)
    .map((each) => (each instanceof Node ? each : String(each)));
}

/** A page's heading, which takes the focus when the page is shown. @param {...any} children */
export const heading = (...children) => el("h1", { tabindex: -1 }, ...children);

/** The heading of a page that shows what it is without one. @param {string} text */
export const hiddenHeading = (text) => el("h1", { tabindex: -1, class: "visually-hidden" }, text);

/** The time of a day, as 14:05:09. @param {Date} at */
export const clock = (at) => at.toTimeString().slice(0, 8);

/** A time in the reader's own zone. @param {string | null} iso */
export function time(iso) {
  if (!iso) return "–";
  const at = new Date(iso);
  const day = at.toDateString() === new Date().toDateString() ? "" : `${at.toLocaleDateString()} `;
  return el("time", { datetime: iso, title: iso }, day + clock(at));
}

/**
 * How long it is from one time to another, by default until now.
 * @param {string | null} from @param {string | null} to
 */
export function duration(from, to) {
  if (!from) return "–";
  const seconds = Math.max(0, ((to ? Date.parse(to) : Date.now()) - Date.parse(from)) / 1000);
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 60) return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60
    ? `${minutes} min ${Math.floor(seconds % 60)} s`
    : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
