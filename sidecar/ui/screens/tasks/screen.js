/** Tasks and health: which parts answer, what serves, and the newest tasks. */

import { html } from "../../vendor/preact.js";
import { Failure, useAnswer, useEvery } from "../../parts/loading.js";
import { Task } from "../../parts/task.js";
import { tasks as askTasks } from "../../service/calls.js";
import { Health } from "./health.js";
import { Service } from "./service.js";

const EVERY_MS = 2_500;

export function TasksScreen() {
  const { value, error, again, renew } = useAnswer((signal) => askTasks({}, { signal }));
  useEvery(EVERY_MS, renew);
  return html`<h1>Tasks and health</h1>
    <${Health} />
    <${Service} />
    <h2>The newest tasks</h2>
    <${Failure} error=${error} again=${again} />
    ${value?.tasks.length === 0 && html`<p class="empty card">There has been no task yet.</p>`}
    <ul class="tasks-list">
      ${value?.tasks.map(
        (task) =>
          html`<li key=${task.task_id} class="card">
            <${Task} task=${task} refresh=${again}>
              ${[...(task.warnings ?? []), ...(task.training_due ?? [])].map(
                (text) => html`<p class="hint">${text}</p>`,
              )}
              <p class="hint">
                Task <${Whole} text=${task.task_id} />
                ${task.request_id && html`, request <${Whole} text=${task.request_id} />`}
                ${task.status === "error" && `, ${task.message}`}
              </p>
            <//>
          </li>`,
      )}
    </ul>`;
}

const Whole = ({ text }) => html`<code class="tasks-whole">${text}</code>`;
