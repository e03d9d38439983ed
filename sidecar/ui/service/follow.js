/** How a task is doing, answered when it changes. */

import { status } from "./calls.js";
import { sleep } from "./http.js";

const WAIT_S = 20;
const PAUSE_MS = 1_000; // where as many wait as the service lets, it answers at once

/** Yields the status of a task each time it changes, until it has ended. */
export async function* follow(id, signal) {
  for (let last = ""; ; ) {
    const answer = await status(id, last ? { wait: WAIT_S } : {}, { signal });
    const now = JSON.stringify(answer);
    if (now === last) await sleep(PAUSE_MS, signal);
    else yield answer;
    if (answer.status !== "ongoing") return;
    last = now;
  }
}
