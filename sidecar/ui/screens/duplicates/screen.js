/** Duplicates: looked for by a task, and decided about group by group. */

import { html } from "../../vendor/preact.js";
import { Action } from "../../parts/action.js";
import { Failure, useAnswer, useEvery } from "../../parts/loading.js";
import { isOngoing } from "../../parts/task_words.js";
import { count } from "../../parts/words.js";
import { Work } from "../../parts/work.js";
import { findDuplicates, stats, tasks } from "../../service/calls.js";
import { to } from "../../service/route.js";
import { Groups } from "./groups.js";

const EVERY_MS = 4_000;
const JOINING = ["train", "update"]; // tasks by which images join the index
const CLASSES = {
  identical: ["Identical", "Uploads of the same bytes."],
  same: ["The same image", "One image, saved or scaled again: probability 90% and more."],
  similar: ["Look-alikes", "Probability 50% to 90%: look at each, since many are different."],
};

/** @param {{parameters: object}} props the class, the page, and whose dialog is open (`keep`) */
export function DuplicatesScreen({ parameters: { class: kind = "same", after = "", keep } }) {
  const { value, error, again, renew } = useAnswer((signal) =>
    Promise.all([stats({ signal }), tasks({}, { signal })]),
  );
  useEvery(EVERY_MS, renew);
  const [figures, { tasks: all }] = value ?? [{}, { tasks: [] }];
  const runs = all.filter((task) => task.kind === "duplicates");
  const advice = value ? advise(figures, runs, all) : [];
  return html`<div class="row head">
      <h1>Duplicates</h1>
      <span class="end">
        <${Action}
          scope="write"
          kind="primary"
          disabled=${!figures.generation || runs.some(isOngoing)}
          onClick=${() => findDuplicates().then(again)}
        >
          Find duplicates
        <//>
      </span>
    </div>
    <${Failure} error=${error} again=${again} />
    <section class="card" aria-label="The search" hidden=${!advice.length && !runs.length}>
      <ul class="advice" hidden=${!advice.length}>
        ${advice.map((text) => html`<li class="warn">${text}</li>`)}
      </ul>
      <${Work} tasks=${runs} refresh=${again} />
    </section>
    ${figures.generation &&
    html`<nav class="row head" aria-label="How alike">
        ${Object.entries(CLASSES).map(
          ([name, [title]]) => html`<a
            class="button"
            href=${to("duplicates", { class: name })}
            aria-current=${name === kind ? "true" : undefined}
          >
            ${title}
          </a>`,
        )}
        <p class="hint">${CLASSES[kind]?.[1]}</p>
      </nav>
      <${Groups} ...${{ key: kind, kind, after, keep, known: figures.duplicates }} />`}`;
}

/** What is to be done before all duplicates are shown: sentences. */
function advise({ generation, waiting, duplicates }, runs, all) {
  const index = (words) => html`<a href=${to("index")}>${words}</a>`;
  if (!generation) return [html`There is no index yet: ${index("train it")} first.`];
  const ran = duplicates?.ran_at;
  const isNews = ({ kind, status, finished_at: at }) =>
    JOINING.includes(kind) && status === "ok" && at > ran;
  const due = ran
    ? all.some(isNews) && "The index has changed since duplicates were last looked for."
    : runs.some(({ status }) => status === "ok")
      ? "A new model is in use, by which nobody has looked for duplicates yet."
      : "Nobody has looked for duplicates yet.";
  const waits = html`${count(waiting, "image waits", "images wait")} for ${index("an update")}, and
    can't be compared before.`;
  return [!runs.some(isOngoing) && due, waiting > 0 && waits].filter(Boolean);
}
