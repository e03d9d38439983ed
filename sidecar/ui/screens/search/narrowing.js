/** What narrows an answer: sliders, and chips of its keywords and fields. */

import { html, useEffect, useRef, useState } from "../../vendor/preact.js";
import { useAnswer } from "../../parts/loading.js";
import { figure } from "../../parts/words.js";
import { stats } from "../../service/calls.js";

const CALM_MS = 200; // after which a slider that was moved counts
const STEPS = 100;
const MOST_CHIPS = 14;

/** Finer near 0, where like images lie; 4 is the farthest. */
const distance = (step) => Number((4 * (step / STEPS) ** 2).toFixed(4));

/** `onChange` gets what differs. */
export function Settings({ query, onChange }) {
  const { value } = useAnswer((signal) => stats({ signal }));
  const points = value?.recall ?? [];
  // An address that somebody wrote may have a name there, such as "same".
  const limit = query.max_dist ? Number(query.max_dist) : NaN;
  const step = Number.isNaN(limit) ? STEPS : Math.round(STEPS * Math.sqrt(limit / 4));
  const measured = (at) => {
    if (value && !points.length) return "every image is compared";
    if (!points[at - 1]) return "as the service is set";
    return `finds ${figure(100 * points[at - 1].recall)} % of the nearest, measured`;
  };
  return html`<${Slider}
      name="How many"
      least=${1}
      most=${100}
      value=${Number(query.num_results)}
      words=${String}
      onSet=${(num_results) => onChange({ num_results })}
    />
    <${Slider}
      name="How far"
      most=${STEPS}
      value=${step}
      words=${(at) => (at < STEPS ? `up to ${distance(at)}` : "any distance")}
      onSet=${(at) => onChange({ max_dist: at < STEPS ? distance(at) : "" })}
    />
    <${Slider}
      name="Accuracy"
      most=${points.length}
      value=${points.findIndex(({ nprob }) => nprob === Number(query.nprob)) + 1}
      words=${measured}
      onSet=${(at) => onChange({ nprob: points[at - 1]?.nprob })}
    />`;
}

function Slider({ name, least = 0, most, value, words, onSet }) {
  const [moved, setMoved] = useState(null); // until it counts
  const shown = moved ?? value;
  const timer = useRef();
  const latest = useRef();
  latest.current = onSet;
  useEffect(() => () => clearTimeout(timer.current), []);
  const move = ({ target }) => {
    const next = Number(target.value);
    setMoved(next);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => {
      setMoved(null);
      latest.current(next);
    }, CALM_MS);
  };
  return html`<label class="search-slider">
    <span>${name}</span> <span class="hint">${words(shown)}</span>
    <input
      type="range"
      aria-label=${name}
      min=${least}
      max=${most}
      value=${shown}
      disabled=${most <= least}
      aria-valuetext=${words(shown)}
      onInput=${move}
    />
  </label>`;
}

/** Chips: the parts of a filter, and what would narrow it further. `onFilter` gets another. */
export function Filters({ filter, matches, onFilter }) {
  const active = partsOf(filter);
  const chip = (part, next, number) => html`<li>
    <button
      class="chip"
      title=${labelOf(part)}
      aria-pressed=${!number}
      onClick=${() => onFilter(textOf(next))}
    >
      <span class="search-label">${labelOf(part)}</span>
      ${number ?? html`<span aria-hidden="true">✕</span>`}
    </button>
  </li>`;
  return html`<ul class="chips" aria-label="Only images with" hidden=${!filter && !matches.length}>
    ${active.map((part) => chip(part, active.filter((each) => each !== part)))}
    ${offered(matches, active).map(([part, number]) => chip(part, [...active, part], number))}
  </ul>`;
}

/** All parts of a filter have to hold; a text that is no JSON is one. */
function partsOf(text) {
  try {
    const parsed = text ? JSON.parse(text) : { $and: [] };
    return Array.isArray(parsed.$and) ? parsed.$and : [parsed];
  } catch {
    return [text];
  }
}

function textOf(parts) {
  if (parts.length > 1) return JSON.stringify({ $and: parts });
  return typeof parts[0] === "string" ? parts[0] : JSON.stringify(parts[0]);
}

function labelOf(part) {
  const [[field, value] = [], ...others] = Object.entries(part);
  if (others.length || typeof value !== "string") return textOf([part]);
  return field === "$keyword" ? value : `${field}: ${value}`;
}

/** [part, how many matches have it], the most frequent first. What all have narrows nothing. */
function offered(matches, active) {
  const counts = new Map(); // by the part as text
  for (const { keywords, metadata } of matches) {
    const named = (keywords ?? []).map(({ name }) => ["$keyword", name]);
    for (const [field, value] of [...named, ...Object.entries(metadata ?? {})]) {
      for (const each of new Set([value].flat())) {
        const text = JSON.stringify({ [field]: each });
        if (typeof each === "string") counts.set(text, (counts.get(text) ?? 0) + 1);
      }
    }
  }
  for (const part of active) counts.delete(JSON.stringify(part));
  return [...counts]
    .filter(([, number]) => number < matches.length)
    .sort(([, one], [, other]) => other - one)
    .slice(0, MOST_CHIPS)
    .map(([text, number]) => [JSON.parse(text), number]);
}
