/** Says what the service is waited for. */

import { html } from "../vendor/preact.js";
import { trouble } from "../service/http.js";
import { useStore } from "../service/store.js";

export function Trouble() {
  const words = useStore(trouble);
  return html`<div role="status" class="trouble" hidden=${!words}>
    ${words && html`<span class="spinner"></span> ${words}, trying again…`}
  </div>`;
}
