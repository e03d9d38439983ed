/** One task: what it is, how far or how it ended, and a way to cancel it. */

import { html } from "../vendor/preact.js";
import { cancel } from "../service/calls.js";
import { Action } from "./action.js";
import { Progress } from "./progress.js";
import { isOngoing, lineOf, nameOf, stateOf, tookOf } from "./task_words.js";
import { When } from "./when.js";
import { percent } from "./words.js";

/**
 * @param {{task: object, refresh: function(): void, live?: boolean, children?: any}} props
 *   `refresh` is called when it was cancelled; `live` has a screen reader say how it goes on.
 */
export function Task({ task, refresh, live, children }) {
  const name = nameOf(task);
  const { words, kind = "" } = stateOf(task);
  const { created_at: at, progress = 0 } = task;
  const open = isOngoing(task);
  const stop = async () => {
    await cancel(task.task_id);
    refresh();
  };
  return html`<div class="task">
    <div class="row">
      <strong>${name}</strong>
      <span class=${`badge ${kind}`}>${words}</span>
      <span class="hint"><${When} at=${at} />${!open && `, ended after ${tookOf(task)}`}</span>
      ${open &&
      html`<span class="end">
        <${Action} scope="admin" aria-label=${`Cancel: ${name}`} onClick=${stop}>Cancel<//>
      </span>`}
    </div>
    <p role=${live ? "status" : undefined}>${lineOf(task)}</p>
    ${open &&
    html`<div class="progress">
      <${Progress} value=${progress} label=${`${name}: progress`} />
      <span class="number">${percent(Math.round(100 * progress) / 100)}</span>
    </div>`}
    ${children}
  </div>`;
}
