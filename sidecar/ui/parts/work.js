/** Tasks: what is under way, the first followed to its end, and how the last one ended. */

import { html, useEffect, useState } from "../vendor/preact.js";
import { follow } from "../service/follow.js";
import { Failure } from "./loading.js";
import { Task } from "./task.js";
import { isOngoing } from "./task_words.js";

const SHORT = ["train", "update"]; // the others make way for these

/**
 * @param {{tasks: object[], passed?: string[], refresh: function(): void}} props `tasks`: newest
 *   first; `passed`: the kinds of which the last one is not shown
 */
export function Work({ tasks, passed = [], refresh }) {
  const open = tasks.filter(isOngoing);
  const first = open.findLast(({ kind }) => SHORT.includes(kind)) ?? open.at(-1);
  const last = tasks.find((task) => !isOngoing(task) && !passed.includes(task.kind));
  return html`
    ${first && html`<${Followed} key=${first.task_id} task=${first} refresh=${refresh} />`}
    ${open
      .filter((task) => task !== first)
      .map((task) => html`<${Task} key=${task.task_id} task=${task} refresh=${refresh} />`)}
    ${last && html`<${Task} task=${last} live />`}
  `;
}

/** One of them alone is followed: each takes a connection, of which a browser has six. */
function Followed({ task, refresh }) {
  const [now, setNow] = useState(task);
  const [error, setError] = useState(null);
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    const controller = new AbortController();
    const look = async () => {
      setError(null);
      for await (const each of follow(task.task_id, controller.signal)) setNow(each);
      refresh();
    };
    look().catch((failed) => controller.signal.aborted || setError(failed));
    return () => controller.abort();
  }, [turn]);
  return html`<${Task} task=${now} refresh=${refresh} live />
    <${Failure} error=${error} again=${() => setTurn(turn + 1)} />`;
}
