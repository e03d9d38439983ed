/** What was found, nearest first. */

import { html, useEffect, useRef, useState } from "../../vendor/preact.js";
import { Failure } from "../../parts/loading.js";
import { Grid } from "../../parts/grid.js";
import { Thumbnail } from "../../parts/thumbnail.js";
import { count, figure } from "../../parts/words.js";
import { Filters } from "./narrowing.js";
import { Opened } from "./opened.js";
import { withExample } from "./query.js";

/** `found` is as `useSearch` returns it; `onSearch` searches by an image. */
export function Results({ query, found, onQuery, onSearch }) {
  const [opened, onOpen] = useState(null);
  const { matches, busy, error, ended, answered, more } = found;
  const onExample = (id, kind) => onQuery(withExample(query, id, kind));
  const heading = answered ? `${count(matches.length, "image")}, nearest first` : "Searching…";
  const presses = { onOpen, onSearch, onExample };
  useEffect(() => onOpen(null), [JSON.stringify(query)]);
  return html`<section class="search-results" aria-busy=${busy}>
    <${Heading} answered=${answered}>${error ? "No answer" : heading}<//>
    <${Failure} error=${error} again=${found.again} />
    ${answered > 0 && !error && html`<${Timings} ...${found} />`}
    <${Filters}
      filter=${query.filter}
      matches=${matches}
      onFilter=${(filter) => onQuery({ ...query, filter })}
    />
    <${Grid}
      items=${matches}
      keyOf=${({ id }) => id}
      least=${136}
      caption=${36}
      label="Results"
      cell=${(match) => html`<${Cell} match=${match} ...${presses} />`}
      onEnd=${() => window.scrollY > 0 && !error && more()}
    />
    ${!busy &&
    !error &&
    !matches.length &&
    html`<p class="empty">No image meets this: remove a filter, or allow a greater distance.</p>`}
    <p class="search-more" hidden=${ended}>
      <button disabled=${busy} onClick=${more}>Show more</button>
    </p>
    ${opened && html`<${Opened} match=${opened} query=${query} ...${presses} />`}
  </section>`;
}

/** Has the focus after a search where what had it is gone, so that Tab goes on into the results. */
function Heading({ answered, children }) {
  const place = useRef();
  useEffect(() => {
    if (answered && document.activeElement === document.body) place.current.focus();
  }, [answered]);
  return html`<h2 ref=${place} tabindex="-1" aria-live="polite">${children}</h2>`;
}

function Timings({ timings, seenMs, model, index }) {
  const stages = {};
  for (const [name, ms] of timings) stages[name] = (stages[name] ?? 0) + ms;
  delete stages.total;
  const words = Object.entries(stages).map(([name, ms]) => `${name} ${figure(ms)}`);
  return html`<p class="hint">
    Milliseconds: ${words.join(" · ")} · in all, seen from here, ${Math.round(seenMs)}.
    Model ${model}, index ${index}.
  </p>`;
}

function Cell({ match: { id, dist }, match, onOpen, onSearch, onExample }) {
  const small = (name, sign, press) => html`<button
    title=${name}
    aria-label=${`${name} ${id}`}
    onClick=${press}
  >
    ${sign}
  </button>`;
  return html`<button
        class="search-open"
      title=${id}
      aria-label=${`Open ${id}`}
      onClick=${() => onOpen(match)}
    >
      <${Thumbnail} id=${id} alt="" />
    </button>
    <span class="search-caption">
      <span title="Distance: 0 is the same image, 4 the farthest">${dist.toFixed(3)}</span>
      ${small("Search by", MAGNIFIER, () => onSearch(id))}
      ${small("More like", "+", () => onExample(id, "like"))}
      ${small("Less like", "−", () => onExample(id, "unlike"))}
    </span>`;
}

const MAGNIFIER = html`<svg class="search-glass" viewBox="0 0 16 16" aria-hidden="true">
  <path d="M7 2a5 5 0 1 0 .1 0zm3.6 8.6L14 14" />
</svg>`;
