/** The thumbnail of a stored image, fetched when it comes near the screen. */

import { html, useEffect, useRef, useState } from "../vendor/preact.js";
import { release, take } from "../service/thumbnails.js";

const NEAR = "400px";

/** The middle square of it, or with `whole` all of it. */
export function Thumbnail({ id, alt = id, whole = false }) {
  const place = useRef();
  const [near, setNear] = useState(false);
  const [found, setFound] = useState(null);
  const [failed, setFailed] = useState(false);

  useEffect(() => {
    const observer = new IntersectionObserver(([entry]) => setNear(entry.isIntersecting), {
      rootMargin: NEAR,
    });
    observer.observe(place.current);
    return () => observer.disconnect();
  }, []);

  useEffect(() => {
    if (!near) return undefined;
    let shown = true;
    setFailed(false);
    take(id).then(
      (there) => shown && setFound(there),
      () => shown && setFailed(true),
    );
    return () => {
      shown = false;
      setFound(null);
      release(id);
    };
  }, [near, id]);

  return html`<span class="thumbnail" ref=${place}>
    ${found && whole && html`<img src=${found.url} alt=${alt} draggable="false" />`}
    ${found && !whole && html`<${Square} blob=${found.blob} alt=${alt} />`}
    ${failed && html`<span class="missing">no thumbnail</span>`}
  </span>`;
}

/** Drawn, not shown as an image: a browser keeps the pixels of images that have left the page, some
 * 700 MB after ten thousand. */
function Square({ blob, alt }) {
  const place = useRef();
  useEffect(() => {
    let shown = true;
    createImageBitmap(blob).then(
      (bitmap) => {
        if (shown) draw(place.current, bitmap);
        bitmap.close();
      },
      () => {},
    );
    return () => (shown = false);
  }, [blob]);
  const named = alt ? { role: "img", "aria-label": alt } : { "aria-hidden": true };
  return html`<canvas ref=${place} ...${named}></canvas>`;
}

function draw(canvas, bitmap) {
  const side = Math.round(canvas.clientWidth * devicePixelRatio);
  const cut = Math.min(bitmap.width, bitmap.height);
  canvas.width = canvas.height = side;
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  const [left, top] = [(bitmap.width - cut) / 2, (bitmap.height - cut) / 2];
  context.drawImage(bitmap, left, top, cut, cut, 0, 0, side, side);
}
