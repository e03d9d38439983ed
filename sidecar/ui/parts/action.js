/** A button for what a key may or may not do. */

import { html, useState } from "../vendor/preact.js";
import { rights, may } from "../service/rights.js";
import { useStore } from "../service/store.js";
import { say } from "./notices.js";

/**
 * @param {{scope?: string, onClick: function(): any, disabled?: boolean, kind?: string}} props
 *   `scope` is what the key must open; `kind` is "primary", "danger" or "quiet". While a promise
 *   of `onClick` is open the button waits; where it fails, its sentence is said.
 */
export function Action({ scope = "read", onClick, disabled, kind = "", children, ...others }) {
  useStore(rights);
  const [busy, setBusy] = useState(false);
  const refused = !may(scope);
  const press = async () => {
    setBusy(true);
    try {
      await onClick();
    } catch (error) {
      say(error.message, { isError: true });
    } finally {
      setBusy(false);
    }
  };
  return html`<button
    type="button"
    ...${others}
    class=${kind}
    disabled=${disabled || busy || refused}
    aria-busy=${busy}
    title=${refused ? `this key has no scope '${scope}'` : others.title}
    onClick=${press}
  >
    ${children}
  </button>`;
}
