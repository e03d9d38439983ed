/** What serves: the release, the model, the volume, and what is switched on. */

import { html } from "../../vendor/preact.js";
import { Figures } from "../../parts/figures.js";
import { useAnswer, useEvery } from "../../parts/loading.js";
import { bytes } from "../../parts/words.js";
import { version } from "../../service/calls.js";
import { gauges } from "../../service/gauges.js";

const EVERY_MS = 30_000;

/** A figure that can't be had, as where a proxy keeps the gauges to itself, is left out. */
export function Service() {
  const { value: serving } = useAnswer(version);
  const { value: read, renew } = useAnswer((signal) => gauges({ signal }));
  useEvery(EVERY_MS, renew);
  const { volume_free_bytes: free, volume_size_bytes: size, workers } = read ?? {};
  const on = Object.entries(serving?.features ?? {}).filter(([, is]) => is);
  const names = on.map(([name]) => name.replaceAll("_", " ")).join(", ");
  return html`<${Figures}
    items=${[
      ["Release", serving?.version],
      ["Model version", serving?.model?.version],
      ["Switched on", serving && (names || "nothing")],
      ["Workers", workers],
      ["Free on the volume", size && bytes(free), size && `of ${bytes(size)}`],
    ].filter(([, value]) => value !== undefined)}
  />`;
}
