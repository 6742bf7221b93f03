// Which page is shown: #/, #/jobs?state=failed, #/jobs/ID.

/** @typedef {{page: "script" | "jobs" | "job", id: string, query: URLSearchParams}} Route */

/** What an address means; an unknown one is the script. @param {string} hash @returns {Route} */
export function routeOf(hash) {
  const [path, query = ""] = hash.replace(/^#/, "").split("?", 2);
  const [, first, id = ""] = path.split("/");
  const page = first !== "jobs" ? "script" : id ? "job" : "jobs";
  return { page, id: unescaped(id), query: new URLSearchParams(query) };
}

/** The address of a job's page. @param {string} id */
export const jobHash = (id) => `#/jobs/${encodeURIComponent(id)}`;

/** Call *show* with the route now and after each change of it. @param {(route: Route) => void} show */
export function follow(show) {
  const changed = () => show(routeOf(location.hash));
  addEventListener("hashchange", changed);
  changed();
}

function unescaped(/** @type {string} */ text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a stray % in a typed address
  }
}
