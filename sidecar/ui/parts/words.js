/** Numbers, sizes and times as people read them. */

const numbers = new Intl.NumberFormat("en");
const short = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });
const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

const STEPS = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
  ["second", 1],
];

export const count = (number, one, many = `${one}s`) =>
  `${numbers.format(number)} ${number === 1 ? one : many}`;

const shares = new Intl.NumberFormat("en", { style: "percent", maximumFractionDigits: 2 });

/** A share from 0 to 1: "97.41%". */
export const percent = (share) => shares.format(share);

export const figure = (number) => short.format(number);

export function bytes(number) {
  const units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
  let at = 0;
  for (; number >= 1024 && at < units.length - 1; at++) number /= 1024;
  return `${short.format(number)} ${units[at]}`;
}

/** A length of time: "3 h 20 min". */
export function duration(seconds) {
  if (seconds < 90) return `${Math.max(0, Math.round(seconds))} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${Math.floor(seconds / 3600)} h ${Math.round((seconds % 3600) / 60)} min`;
}

/** A time in seconds since 1970: "3 minutes ago". */
export function ago(time) {
  const seconds = time - Date.now() / 1000;
  const [unit, size] = STEPS.find(([, length]) => Math.abs(seconds) >= length) ?? STEPS.at(-1);
  return relative.format(Math.round(seconds / size), unit);
}

export const moment = (time) => new Date(1000 * time).toLocaleString("en");
