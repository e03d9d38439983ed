/**
 * The upload that is under way, whichever screen is shown. A browser gives no files back after a
 * reload: the tab remembers that there were some, and what is stored of them is not sent again.
 */

import { add } from "../../../service/calls.js";
import { Store } from "../../../service/store.js";
import { forget } from "../../../service/thumbnails.js";
import { idOf } from "./files.js";
import { unknown } from "./known.js";

const AT_ONCE = 8;
const DRAWN_MS = 100;
const RECENT = 100; // files by which the rate goes
const OF_THE_FILE = [400, 408, 409, 413, 500]; // another answer concerns all that follow, too
const PLACE = "similarity.upload";

/** How it goes, or null: `state` is running, stopped (`why` says by what) or ended. */
export const upload = new Store(null);

/** How many files an upload had that a reload cut off. */
export const cutOff = new Store(Number(sessionStorage.getItem(PLACE)));

let run = null;
let brought = 0;
let drawing = 0;

/** How many images this page has added. */
export const arrived = () => brought;

/** Uploads {file, path}[], too. */
export function start(files, { withFolders, overwrite }) {
  if (!files.length) return;
  if (run?.state !== "running") run = { entries: [] };
  const entries = files.map(({ file, path }) => {
    return { file, path, overwrite, id: idOf(path, withFolders), state: "waiting" };
  });
  run.entries.push(...entries);
  if (run.state === "running") run.queue.push(...entries);
  else goOn();
}

/** Sends what waits, and with `again` what has failed. */
export function goOn(again = false) {
  for (const entry of run.entries) {
    if (again && entry.state === "failed") entry.state = "waiting";
  }
  const queue = run.entries.filter(({ state }) => state === "waiting");
  Object.assign(run, { state: "running", why: "", queue, times: [] });
  run.controller = new AbortController();
  void work(run, run.controller.signal);
  remember(run.entries.length);
}

export function cancel() {
  stop(run, "Cancelled");
  remember(0);
}

export function close() {
  run = null;
  remember(0);
}

async function work(mine, signal) {
  const settle = (entry, state, why) => {
    Object.assign(entry, { state, why });
    if (state === "added") brought += 1;
    draw();
  };
  const worker = async (source) => {
    for (let next = await source.next(); !next.done; next = await source.next()) {
      await send(next.value, signal, settle);
      mine.times.push(performance.now());
    }
  };
  try {
    while (mine.queue.length) {
      const source = unknown(mine.queue, signal, settle);
      await Promise.all(Array.from({ length: AT_ONCE }, () => worker(source)));
    }
    mine.state = "ended";
    remember(0);
  } catch (error) {
    if (!signal.aborted) stop(mine, error.message);
  }
}

async function send(entry, signal, settle) {
  const { id, file, overwrite } = entry;
  try {
    await add(file, { id, overwrite: overwrite || "" }, { signal });
    forget(id);
    settle(entry, "added");
  } catch (error) {
    signal.throwIfAborted();
    if (error.answer?.identical) settle(entry, "before");
    else if (OF_THE_FILE.includes(error.status)) settle(entry, "failed", error.message);
    else throw error;
  }
}

function stop(mine, why) {
  Object.assign(mine, { state: "stopped", why });
  mine.controller.abort();
  draw();
}

function remember(files) {
  cutOff.set(0);
  if (files) sessionStorage.setItem(PLACE, files);
  else sessionStorage.removeItem(PLACE);
  draw();
}

/** Shows how things are, ten times a second at most. */
function draw() {
  drawing ||= setTimeout(() => {
    drawing = 0;
    upload.set(run && summary(run));
  }, DRAWN_MS);
}

function summary({ state, why, entries, times }) {
  const of = (wanted) => entries.filter((entry) => entry.state === wanted);
  const recent = times.slice(-RECENT);
  const rate = (1000 * (recent.length - 1)) / (recent.at(-1) - recent[0]) || 0;
  const [added, before] = [of("added").length, of("before").length];
  return { state, why, total: entries.length, added, before, failed: of("failed"), rate };
}

addEventListener("beforeunload", (event) => run?.state === "running" && event.preventDefault());
