/** The gauges that the service shows to Prometheus, for figures that no other call answers. */

import { metrics } from "./calls.js";

const LINE = /^similarity_(\w+?)(?:\{\w+="([^"]*)"\})? (\S+)$/gm;

/**
 * Asks for all gauges of at most one label.
 *
 * @returns {Promise<object>} a number by its name without the prefix; of a gauge with a label an
 *   object of numbers by the values of that. What the service can't read just now is missing.
 */
export async function gauges(how) {
  const found = {};
  for (const [, name, label, number] of (await metrics(how)).matchAll(LINE)) {
    if (label === undefined) found[name] = Number(number);
    else (found[name] ??= {})[label] = Number(number);
  }
  return found;
}
