/** How long ago something was, and on a second look when. */

import { html } from "../vendor/preact.js";
import { ago, moment } from "./words.js";

/** @param {{at: number}} props in seconds since 1970 */
export const When = ({ at }) =>
  html`<time datetime=${new Date(1000 * at).toISOString()} title=${moment(at)}>${ago(at)}</time>`;
