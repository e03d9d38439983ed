/** Tasks and health. */

import { html } from "../../vendor/preact.js";

/** @param {{parameters: object}} props what stands after `?` in the address */
export function TasksScreen({ parameters }) {
  return html`<h1>Tasks and health</h1>`;
}
