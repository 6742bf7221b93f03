// Asks for a token when the service does, and tries it before it is kept.

import { send, session } from "./api.js";
import { say } from "./dom.js";

const dialog = /** @type {HTMLDialogElement} */ (document.getElementById("login"));
const form = /** @type {HTMLFormElement} */ (dialog.querySelector("form"));
const input = /** @type {HTMLInputElement} */ (document.getElementById("token"));
const problem = /** @type {HTMLElement} */ (document.getElementById("login-error"));

/** Whether *token* is taken by the service. @param {string | null} token */
export async function isAccepted(token) {
  return (await send("api/v1/jobs?limit=1", {}, token)).status !== 401;
}

/**
 * Have requests that are refused wait for a token of the person at the page.
 * @param {(isLoggedIn: boolean) => void} changed
 */
export function install(changed) {
  /** @type {Promise<void> | null} */
  let asking = null;
  session.ask = () => {
    asking ??= ask().finally(() => {
      asking = null;
    });
    return asking;
  };

  function ask() {
    const hadToken = Boolean(session.token);
    session.token = null;
    changed(false);
    input.value = "";
    say(problem, hadToken ? "The token is accepted no more." : "");
    dialog.showModal();
    return new Promise((resolve) => {
      form.onsubmit = async (event) => {
        event.preventDefault();
        const token = input.value.trim();
        try {
          if (await isAccepted(token)) {
            session.token = token;
            input.value = "";
            dialog.close();
            changed(true);
            resolve(undefined);
          } else {
            say(problem, "The server does not accept this token.");
            input.select();
          }
        } catch (error) {
          say(problem, /** @type {Error} */ (error).message);
        }
      };
    });
  }
  dialog.addEventListener("cancel", (event) => event.preventDefault()); // nothing can be done without one
}
