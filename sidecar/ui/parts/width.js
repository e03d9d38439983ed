/** How wide a place is. */

import { useLayoutEffect, useRef, useState } from "../vendor/preact.js";

/** Returns the `ref` of an element, and its width in whole pixels; 0 before it is known. */
export function useWidth() {
  const place = useRef();
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    const observer = new ResizeObserver(([entry]) => setWidth(Math.floor(entry.contentRect.width)));
    observer.observe(place.current);
    return () => observer.disconnect();
  }, []);
  return [place, width];
}
