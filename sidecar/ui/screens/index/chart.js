/** A chart of recalls, drawn in real pixels so that its words stay readable at any width. */

import { html } from "../../vendor/preact.js";
import { useWidth } from "../../parts/width.js";
import { percent } from "../../parts/words.js";

const [TOP, RIGHT, BOTTOM, LEFT] = [14, 8, 24, 52];
const SPANS = [0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1]; // below 1, of which five parts are round
const LABEL = 30; // pixels that one takes

/** @param {{points: {label: any, value: number, low: number, promised?: number}[]}} props */
export function Chart({ points, label, axis, height = 240 }) {
  const [place, width] = useWidth();
  const least = Math.min(...points.flatMap(({ low, promised = 1 }) => [low, promised]));
  const span = SPANS.find((each) => each * 0.98 > 1 - least) ?? 1;
  const column = (width - LEFT - RIGHT) / points.length;
  const bottom = height - BOTTOM;
  const x = (at) => LEFT + column * (at + 0.5);
  const y = (share) => TOP + ((bottom - TOP) * (1 - share)) / span;
  const every = Math.ceil(LABEL / column);
  const dash = Math.min(22, column * 0.36);
  const line = [0, 1, 2, 3, 4, 5].map((part) => 1 - (span * part) / 5);
  return html`<div ref=${place}>
    ${width > 0 &&
    html`<svg class="index-chart" width=${width} height=${height} role="img" aria-label=${label}>
      ${line.map(
        (share) => html`<path class="index-grid" d=${`M${LEFT} ${y(share)}H${width - RIGHT}`} />
          <text x=${LEFT - 8} y=${y(share) + 4} text-anchor="end">${percent(share)}</text>`,
      )}
      <text y=${height - 4}>${axis}</text>
      <polyline points=${points.map(({ value }, at) => `${x(at)},${y(value)}`).join(" ")} />
      ${points.map(
        ({ label: name, value, low, promised }, at) =>
          html`<g class=${value < promised ? "index-missed" : ""}>
            ${promised && html`<${Promised} x=${x(at)} y=${y(promised)} half=${dash} />`}
            <${Point} x=${x(at)} y=${y(value)} low=${y(low)} />
            ${(points.length - 1 - at) % every === 0 &&
            html`<text x=${x(at)} y=${height - 4} text-anchor="middle">${name}</text>`}
          </g>`,
      )}
    </svg>`}
  </div>`;
}

/** What the shapes of a chart are. */
export const Legend = () => html`<p class="row hint">
  ${key("measured", html`<${Point} x="12" y="8" low="8" />`)}
  ${key("at least, with 95% confidence", html`<path class="index-bound" d="M12 0V14m-5 0h10" />`)}
  ${key("promised", html`<${Promised} x="12" y="8" half="12" />`)}
</p>`;

const key = (name, shape) => html`<span>
  <svg class="index-chart" width="24" height="16" aria-hidden="true">${shape}</svg> ${name}
</span>`;

const Promised = ({ x, y, half }) =>
  html`<path class="index-promise" d=${`M${x - half} ${y}h${2 * half}`} />`;

const Point = ({ x, y, low }) => html`<path class="index-bound" d=${`M${x} ${y}V${low}m-5 0h10`} />
  <circle cx=${x} cy=${y} r="5" />`;
