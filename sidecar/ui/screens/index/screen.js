/** Index: what it holds, what to press, and what its searches find. */

import { html } from "../../vendor/preact.js";
import { Figures } from "../../parts/figures.js";
import { Failure, useAnswer, useEvery } from "../../parts/loading.js";
import { bytes } from "../../parts/words.js";
import { Work } from "../../parts/work.js";
import * as calls from "../../service/calls.js";
import { gauges } from "../../service/gauges.js";
import { Advice } from "./advice.js";
import { Generations, Recall } from "./recall.js";

const EVERY_MS = 4_000;
const OTHER = ["retire", "fill", "duplicates"]; // these make no generation

export function IndexScreen() {
  const { value: stats, error, again, renew } = useAnswer((signal) => calls.stats({ signal }));
  const { last_task: newest, generation } = stats ?? {};
  const listed = useAnswer(
    async (signal) => newest && (await calls.tasks({}, { signal })).tasks,
    [newest?.task_id, newest?.status],
  );
  const read = useAnswer(async (signal) => generation && gauges({ signal }), [generation]);
  useEvery(EVERY_MS, renew);
  const refresh = () => {
    again();
    listed.again();
  };
  const tasks = listed.value ?? [];
  return html`<h1>Index</h1>
    <${Failure} error=${error} again=${refresh} />
    ${stats &&
    html`<${Figures} items=${figuresOf(stats)} />
      <section class="card" aria-label="What to do">
        <${Advice} stats=${stats} refresh=${refresh} />
        <${Work} tasks=${tasks} passed=${OTHER} refresh=${refresh} />
      </section>
      ${generation &&
      html`<${Recall} stats=${stats} promises=${read.value?.index_recall_promised_ratio ?? {}} />
        <${Generations} tasks=${tasks} />`}`}`;
}

const figuresOf = ({ waiting, live, generation, model_version: version, ...stats }) => [
  ["Images", number(stats.images)],
  ["In the index", number(stats.indexed)],
  ["Waiting", number(waiting), waiting > 0 && `${number(live)} found already`],
  ["Removed since", number(stats.deleted)],
  ["Generation", generation ?? "none yet"],
  ["Model version", version ?? "none yet"],
  ["Catalogue", bytes(stats.catalogue_bytes)],
  ["Index files", bytes(stats.index_bytes)],
];

const number = (value) => value.toLocaleString("en");
