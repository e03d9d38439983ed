/**
 * A grid of any number of cells, of which only those near the screen are in the document.
 *
 * All cells are of one size, so that the place of each follows from its number.
 */

import { html, useEffect, useState } from "../vendor/preact.js";
import { useWidth } from "./width.js";

const GAP = 12; // pixels
const AROUND = 800; // pixels above and below the screen

/**
 * @param {{items: any[], cell: function(any, number): any, keyOf: function(any): string,
 *   least?: number, caption?: number, label: string, onEnd?: function(): void}} props
 *   `least` is the least width of a cell, `caption` the height of what is under its square;
 *   `onEnd` is called when the last row comes near the screen.
 */
export function Grid({ items, cell, keyOf, least = 150, caption = 44, label, onEnd }) {
  const [place, width] = useWidth();
  const [[top, bottom], setSeen] = useState([0, 1]);

  const columns = Math.max(1, Math.floor((width + GAP) / (least + GAP)));
  const side = Math.floor((width - GAP * (columns - 1)) / columns);
  const row = side + caption + GAP;
  const rows = Math.ceil(items.length / columns);

  useEffect(() => {
    const look = () => {
      const { top: above } = place.current.getBoundingClientRect();
      const first = Math.max(0, Math.floor((-above - AROUND) / row));
      const last = Math.ceil((window.innerHeight - above + AROUND) / row);
      setSeen((seen) => (seen[0] === first && seen[1] === last ? seen : [first, last]));
      if (items.length && last >= rows) onEnd?.();
    };
    look();
    window.addEventListener("scroll", look, { passive: true });
    window.addEventListener("resize", look);
    return () => {
      window.removeEventListener("scroll", look);
      window.removeEventListener("resize", look);
    };
  }, [row, rows, items, onEnd]);

  const from = Math.min(top, Math.max(0, rows - 1)) * columns;
  const seen = width ? items.slice(from, bottom * columns) : [];
  return html`<ul
    class="grid"
    ref=${place}
    aria-label=${label}
    style=${{ height: `${Math.max(0, rows * row - GAP)}px` }}
  >
    ${seen.map((item, offset) => {
      const at = from + offset;
      const style = {
        width: `${side}px`,
        height: `${side + caption}px`,
        transform: `translate(${(at % columns) * (side + GAP)}px, ${Math.floor(at / columns) * row}px)`,
      };
      return html`<li
        key=${keyOf(item)}
        style=${style}
        aria-setsize=${items.length}
        aria-posinset=${at + 1}
      >
        ${cell(item, at)}
      </li>`;
    })}
  </ul>`;
}
