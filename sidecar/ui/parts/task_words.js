/** What a task is, how far it is, and how it ended, as people read it. */

import { count, duration, percent } from "./words.js";

const WAITING = "waiting"; // the phase of a task that has not begun

const KINDS = {
  train: "Training",
  update: "Update",
  upgrade: "Upgrade",
  rollback: "Rollback",
  retire: "Retirement",
  mend: "Mending",
  fill: "Filling in keywords",
  duplicates: "Finding duplicates",
};

export const isOngoing = ({ status }) => status === "ongoing";

export const nameOf = ({ kind }) => KINDS[kind] ?? kind;

/** Its state: {words, kind}; `kind` is a badge's. */
export function stateOf({ status, message, phase }) {
  if (status === "ongoing") return { words: phase === WAITING ? phase : "running", kind: "warn" };
  if (status === "ok") return { words: "done", kind: "good" };
  return message === "cancelled" ? { words: "cancelled" } : { words: "failed", kind: "bad" };
}

/** How far an ongoing one is, or how it ended: a line. */
export function lineOf(task) {
  if (isOngoing(task)) return together(ongoing(task));
  if (task.status === "ok") return together(done(task));
  if (task.message === "cancelled") return "What was in use stays in use.";
  return together([task.detail ?? task.message]);
}

/** How long it took from its request to its end; "" before. */
export const tookOf = ({ created_at: from, finished_at: to }) =>
  to ? duration(Math.max(0, to - from)) : "";

function together(parts) {
  const line = parts.filter(Boolean).join(", ");
  return line && `${line[0].toUpperCase()}${line.slice(1)}.`;
}

function ongoing({ phase, embedded, images, images_per_s: rate, eta_s: left, ...task }) {
  const { checked, mended, compared, to_compare: all } = task;
  return [
    phase === WAITING ? "its turn has yet to come" : phase,
    embedded !== undefined && `${embedded.toLocaleString("en")} of ${count(images, "image")}`,
    rate && `${Math.round(rate)} a second`,
    left && `${duration(left)} left`,
    checked !== undefined && `${checked.toLocaleString("en")} checked, ${mended} mended`,
    compared !== undefined && `${compared.toLocaleString("en")} of ${count(all, "image")}`,
  ];
}

function done(task) {
  const { generation, images, recall_at_10: recall, recall_at_least: low } = task;
  const { kind, version, agreement_at_10: agreement, agreement_with: other } = task;
  return [
    generation !== null && `generation ${generation} with ${count(images, "image")}`,
    recall !== undefined && `recall ${percent(recall)}, at least ${percent(low)}`,
    version !== undefined && `version ${version} is ${kind === "retire" ? "retired" : "in use"}`,
    agreement && `agrees in ${percent(agreement)} of the nearest with version ${other}`,
    task.features_freed !== undefined && `features of ${count(task.features_freed, "image")} freed`,
    task.checked !== undefined && `${task.checked} checked, ${task.mended} mended`,
    task.same !== undefined && `${count(task.compared, "image")} compared`,
    task.same !== undefined &&
      `pairs known: ${task.identical} identical, ${task.same} the same, ${task.similar} similar`,
    task.with_keywords !== undefined && `${count(task.with_keywords, "image")} with keywords`,
  ];
}
