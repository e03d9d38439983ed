/** The tasks of the index: what is under way, followed to its end, and how the last one ended. */

import { html, useEffect, useState } from "../../vendor/preact.js";
import { Failure } from "../../parts/loading.js";
import { Task } from "../../parts/task.js";
import { isOngoing } from "../../parts/task_words.js";
import { follow } from "../../service/follow.js";

const SHORT = ["train", "update"]; // the others make way for these
const OTHER = ["retire", "fill", "duplicates"]; // these make no generation

/** @param {{tasks: object[], refresh: function(): void}} props `tasks`: newest first */
export function Work({ tasks, refresh }) {
  const open = tasks.filter(isOngoing);
  const first = open.findLast(({ kind }) => SHORT.includes(kind)) ?? open.at(-1);
  const last = tasks.find((task) => !isOngoing(task) && !OTHER.includes(task.kind));
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
    ${error && html`<${Failure} error=${error} again=${() => setTurn(turn + 1)} />`}`;
}
