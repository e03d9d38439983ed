/** Short sentences at the edge of the page, read out by a screen reader, with one action at most. */

import { html } from "../vendor/preact.js";
import { Store, useStore } from "../service/store.js";

const SHOWN_MS = 6_000;

const notices = new Store([]);
let number = 0;

/**
 * Shows a sentence for some seconds.
 *
 * @param {{isError?: boolean, action?: {label: string, press: function(): void},
 *   ms?: number}} how
 * @returns {function(): void} takes it away.
 */
export function say(text, { isError = false, action, ms = SHOWN_MS } = {}) {
  const notice = { number: ++number, text, isError, action };
  const drop = () => notices.set(notices.get().filter((each) => each !== notice));
  notice.drop = drop;
  notices.set([...notices.get(), notice]);
  setTimeout(drop, ms);
  return drop;
}

export function Notices() {
  const shown = useStore(notices);
  return html`<div class="notices" role="status" aria-live="polite">
    ${shown.map(
      ({ number: key, text, isError, action, drop }) =>
        html`<p key=${key} class=${isError ? "notice error" : "notice"}>
          <span>${text}</span>
          ${action &&
          html`<button
            onClick=${() => {
              action.press();
              drop();
            }}
          >
            ${action.label}
          </button>`}
          <button class="quiet" aria-label="Dismiss" onClick=${drop}>✕</button>
        </p>`,
    )}
  </div>`;
}
