/** An image on which a part is drawn by a pointer or given in numbers: x,y,w,h in fractions. */

import { html, useRef, useState } from "../../vendor/preact.js";

const WHOLE = [0, 0, 1, 1];
const SIDES = ["Left", "Top", "Width", "Height"];
const LEAST = 0.02; // of a side: less is a click

const within = (value, least, most) => Math.min(Math.max(value, least), most);
const percent = (fraction) => Math.round(100 * fraction);

/** `onBox` gets the part as text, "" for the whole image. */
export function Part({ url, alt, box, onBox }) {
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
  const [x, y, width, height] = (drawn ?? numbers).map((each) => `${100 * each}%`);
  return html`<div
      class="search-frame"
      onPointerDown=${begin}
      onPointerMove=${draw}
      onPointerUp=${end}
      onPointerCancel=${end}
    >
      <img src=${url} alt=${alt} draggable=${false} />
      ${(drawn || box) &&
      html`<span class="search-box" style=${{ left: x, top: y, width, height }}></span>`}
    </div>
    <${Numbers} numbers=${numbers} isWhole=${!box} onBox=${onBox} />`;
}

function Numbers({ numbers, isWhole, onBox }) {
  const set = (at) => (event) => onBox(textOf(numbers.with(at, event.target.value / 100)));
  return html`<details class="search-part">
    <summary>${isWhole ? "Search by a part" : "Searching by a part"}</summary>
    <fieldset>
      <legend class="hint">Draw a box on the image, or give its place in percent.</legend>
      ${SIDES.map(
        (side, at) => html`<label>
          ${side}
          <input
            type="number"
            min="0"
            max="100"
            value=${percent(numbers[at])}
            onChange=${set(at)}
          />
        </label>`,
      )}
    </fieldset>
    <button type="button" disabled=${isWhole} onClick=${() => onBox("")}>Whole image</button>
  </details>`;
}

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
