/** What is searched by: an image, the part of it that counts, and the examples beside it. */

import { html, useRef, useState } from "../../vendor/preact.js";
import { Thumbnail } from "../../parts/thumbnail.js";
import { withExample } from "./query.js";

const WHOLE = [0, 0, 1, 1]; // left, top, width and height in fractions
const SIDES = ["Left", "Top", "Width", "Height"];
const LEAST = 0.02; // of a side: less is a click

/** `entry` is the file's, if this tab has it; `onBox` gets a part as text, "" for the whole. */
export function QueryTile({ query, entry, busy, onBox, onQuery }) {
  const { id, box, like, unlike } = query;
  const name = entry?.file.name ?? id;
  const example = (kind, sign, tone) => (each) => html`<li>
    <button
      title=${each}
      aria-label=${`Remove ${sign} ${each}`}
      onClick=${() => onQuery(withExample(query, each))}
    >
      <${Thumbnail} id=${each} alt="" />
      <span class="badge ${tone}">${sign}</span>
    </button>
  </li>`;
  return html`<section class="card" aria-label="Searched by" aria-busy=${busy}>
    <p>${busy && html`<span class="spinner"></span>`} ${name}</p>
    ${name
      ? html`<${Part} box=${box} onBox=${onBox}>
          ${entry
            ? html`<img src=${entry.url} alt=${name} draggable=${false} />`
            : html`<${Thumbnail} id=${id} whole />`}
        <//>`
      : html`<p class="hint">
          ${query.features && "Features from the address: the file is not in this browser."}
          ${like.length > 0 && " Only the examples count."}
          ${!like.length && unlike.length > 0 && " A − needs a + beside it."}
        </p>`}
    <ul class="search-examples" aria-label="Examples" hidden=${!like.length && !unlike.length}>
      ${like.map(example("like", "+", "good"))} ${unlike.map(example("unlike", "−", "bad"))}
    </ul>
  </section>`;
}

/** An image on which a part is drawn by a pointer, or given in numbers. */
function Part({ box, onBox, children }) {
  const [drawn, setDrawn] = useState(null);
  const corner = useRef(null);
  const begin = (event) => {
    if (event.button) return;
    event.currentTarget.setPointerCapture(event.pointerId);
    corner.current = placeOf(event);
  };
  const draw = (event) => corner.current && setDrawn(between(corner.current, placeOf(event)));
  const end = (event) => {
    corner.current = null;
    setDrawn(null);
    if (drawn && event.type === "pointerup") onBox(textOf(drawn));
  };
  const numbers = box ? box.split(",").map(Number) : WHOLE;
  const [left, top, width, height] = (drawn ?? numbers).map((each) => `${100 * each}%`);
  const set = (at) => (event) => onBox(textOf(numbers.with(at, event.target.value / 100)));
  return html`<div
      class="search-frame"
      onPointerDown=${begin}
      onPointerMove=${draw}
      onPointerUp=${end}
      onPointerCancel=${end}
    >
      ${children}
      ${(drawn || box) &&
      html`<span class="search-box" style=${{ left, top, width, height }}></span>`}
    </div>
    <details>
      <summary>${box ? "Searching by a part" : "Search by a part"}</summary>
      <fieldset>
        <legend class="hint">Draw a box on the image, or give its place in percent.</legend>
        ${SIDES.map((side, at) => {
          const value = Math.round(100 * numbers[at]);
          return html`<label>
            ${side} <input type="number" min="0" max="100" value=${value} onChange=${set(at)} />
          </label>`;
        })}
      </fieldset>
      <button disabled=${!box} onClick=${() => onBox("")}>Whole image</button>
    </details>`;
}

const within = (value, least, most) => Math.min(Math.max(value, least), most);

function placeOf({ clientX, clientY, currentTarget }) {
  const { left, top, width, height } = currentTarget.getBoundingClientRect();
  return [within((clientX - left) / width, 0, 1), within((clientY - top) / height, 0, 1)];
}

/** The part between two corners; null where they are one. */
function between([ax, ay], [bx, by]) {
  const part = [Math.min(ax, bx), Math.min(ay, by), Math.abs(ax - bx), Math.abs(ay - by)];
  return Math.min(part[2], part[3]) < LEAST ? null : part;
}

/** A part as text, brought within the image. */
function textOf([x, y, width, height]) {
  const [left, top] = [within(x, 0, 1 - LEAST), within(y, 0, 1 - LEAST)];
  const part = [left, top, within(width, LEAST, 1 - left), within(height, LEAST, 1 - top)];
  const text = part.map((each) => Number(each.toFixed(3))).join();
  return text === WHOLE.join() ? "" : text;
}
