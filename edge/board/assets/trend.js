// The course of a signal as shapes: what is joined, what is a point, where nothing was measured. Pure.

/** Readings further apart than so many usual intervals are not joined: between them nothing is known [M]. */
export const GAP_INTERVALS = 3;
/** Nor are they, whatever the interval, beyond so long: an hourly cuff is points, no line [M]. */
export const JOIN_MS_MAX = 15 * 60_000;
/** And always up to so long: a frame or two that did not come are no gap at the scale of a plot [M]. */
export const JOIN_MS_MIN = 15_000;

/** Return the usual interval between readings, ms: the median; null of fewer than two. */
export function usualIntervalMs(points) {
  const steps = [];
  for (let i = 1; i < points.length; i += 1) {
    if (points[i][1] !== null && points[i - 1][1] !== null) steps.push(points[i][0] - points[i - 1][0]);
  }
  if (!steps.length) return null;
  steps.sort((one, other) => one - other);
  return steps[Math.floor(steps.length / 2)];
}

/**
 * Cut [[tsMs, value or null], ...] into what is drawn: {lines: [[point, ...], ...], dots: [point, ...]}. A null is
 * "attached without a reading" and cuts. A point with no neighbour to join is a dot, so nothing measured is unseen.
 */
export function shapesOf(points, isPeriodic = true) {
  const measured = points.filter(([, value]) => value !== null);
  if (!isPeriodic) return { lines: [], dots: measured };
  const usual = usualIntervalMs(points) ?? 0;
  const joinMs = Math.min(JOIN_MS_MAX, Math.max(JOIN_MS_MIN, usual * GAP_INTERVALS));
  const lines = [];
  const dots = [];
  let run = [];
  const end = () => {
    if (run.length > 1) lines.push(run);
    else dots.push(...run);
    run = [];
  };
  for (const point of points) {
    if (point[1] === null) end();
    else {
      if (run.length && point[0] - run.at(-1)[0] > joinMs) end();
      run.push(point);
    }
  }
  end();
  return { lines, dots };
}

/** Thin a line to what so many columns can show: of each, the first, lowest, highest and last point. */
export function thinned(line, fromTsMs, untilTsMs, columns) {
  if (line.length <= columns * 2) return line;
  const kept = [];
  let column = null;
  let held = [];
  const flush = () => {
    if (!held.length) return;
    const low = held.reduce((one, other) => (other[1] < one[1] ? other : one));
    const high = held.reduce((one, other) => (other[1] > one[1] ? other : one));
    kept.push(...new Set([held[0], low, high, held.at(-1)].sort((one, other) => one[0] - other[0])));
  };
  for (const point of line) {
    const here = Math.floor(((point[0] - fromTsMs) / (untilTsMs - fromTsMs)) * columns);
    if (here !== column) {
      flush();
      held = [];
      column = here;
    }
    held.push(point);
  }
  flush();
  return kept;
}

/** Round steps of about so many a range: 1, 2 or 5 times a power of ten. */
export function niceStep(range, about) {
  const rough = range / about;
  const power = 10 ** Math.floor(Math.log10(rough));
  return [1, 2, 5, 10].map((each) => each * power).find((step) => step >= rough);
}

/** The range of a vertical axis: all values, and the limits where they are not far off. */
export function rangeOf(values, limits, leastSpan) {
  let low = Math.min(...values);
  let high = Math.max(...values);
  const span = Math.max(high - low, leastSpan);
  for (const limit of limits) {
    if (limit < low && low - limit <= span) low = limit;
    if (limit > high && limit - high <= span) high = limit;
  }
  const missing = Math.max(0, leastSpan - (high - low)) / 2;
  const margin = (high - low + 2 * missing) * 0.08;
  return [low - missing - margin, high + missing + margin];
}

/** Add readings that came later, drop those that are over: at most `max` points, none before `fromTsMs`. */
export function extended(points, added, fromTsMs, max) {
  const last = points.at(-1)?.[0] ?? -Infinity;
  const all = points.concat(added.filter(([tsMs]) => tsMs > last));
  const begin = all.findIndex(([tsMs]) => tsMs >= fromTsMs);
  return begin === -1 ? [] : all.slice(Math.max(begin, all.length - max));
}

/** What a plot says in words: newest, lowest, highest, and how much of the time has no reading. */
export function inWords(title, unit, points, text) {
  const measured = points.filter(([, value]) => value !== null);
  if (!measured.length) return `${title}: no reading`;
  const values = measured.map(([, value]) => value);
  const range = `from ${text(Math.min(...values))} to ${text(Math.max(...values))} ${unit}`;
  return `${title}: last ${text(values.at(-1))} ${unit}, ${range}, ${measured.length} readings`;
}
