/** What is dropped anywhere on the page. */

import { useEffect, useRef, useState } from "../vendor/preact.js";

/**
 * Calls `onDrop` with the DataTransfer of dropped files, while its event lasts; returns whether
 * files hover over the page.
 */
export function useDrop(onDrop) {
  const [over, setOver] = useState(false);
  const latest = useRef();
  latest.current = onDrop;
  useEffect(() => {
    const controller = new AbortController();
    const hover = (event) => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      setOver(event.type === "dragover");
      if (event.type === "drop") latest.current(event.dataTransfer);
    };
    addEventListener("dragover", hover, controller);
    addEventListener("drop", hover, controller);
    addEventListener("dragleave", (event) => event.relatedTarget || setOver(false), controller);
    return () => controller.abort();
  }, []);
  return over;
}
