/** How a task is doing, answered when it changes. */

import { status } from "./calls.js";

const WAIT_S = 20;

/** Yields the status of a task each time it changes, until it has ended. */
export async function* follow(id, signal) {
  for (let first = true; ; first = false) {
    const answer = await status(id, first ? {} : { wait: WAIT_S }, { signal });
    yield answer;
    if (answer.status !== "ongoing") return;
  }
}
