/** The thumbnail of a stored image, fetched when it comes near the screen. */

import { html, useEffect, useRef, useState } from "../vendor/preact.js";
import { release, take } from "../service/thumbnails.js";

const NEAR = "400px";

export function Thumbnail({ id, alt = id }) {
  const place = useRef();
  const [near, setNear] = useState(false);
  const [url, setUrl] = useState("");
  const [failed, setFailed] = useState(false);

  useEffect(() => {
    const observer = new IntersectionObserver(
      ([entry]) => setNear(entry.isIntersecting),
      { rootMargin: NEAR },
    );
    observer.observe(place.current);
    return () => observer.disconnect();
  }, []);

  useEffect(() => {
    if (!near) return undefined;
    let shown = true;
    setFailed(false);
    take(id).then(
      (found) => shown && setUrl(found),
      () => shown && setFailed(true),
    );
    return () => {
      shown = false;
      setUrl("");
      release(id);
    };
  }, [near, id]);

  return html`<span class="thumbnail" ref=${place}>
    ${url && html`<img src=${url} alt=${alt} draggable="false" />`}
    ${failed && html`<span class="missing">no thumbnail</span>`}
  </span>`;
}
