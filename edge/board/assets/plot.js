// One plot as SVG: lines, points, limits in force and when alarms began. Drawn by ourselves (docs/board.md says why).

import { make } from "./dom.js";
import { clockText } from "./format.js";
import { SIGNAL, valueText } from "./signals.js";
import { inWords, niceStep, rangeOf, shapesOf, thinned } from "./trend.js";

const HEIGHT = 132;
const MARGIN = { left: 40, right: 12, top: 10, bottom: 22 };
const MINUTE_MS = 60_000;
/** Steps of the time axis, in minutes. */
const TIME_STEPS = [5, 10, 15, 30, 60, 120, 180, 240, 360];
/** A flat line is shown flat: the axis spans at least so much of the unit [M]. */
const LEAST_SPAN = { bpm: 20, "%": 8, mmHg: 30, "°C": 1.5 };

/** What is drawn together, in this order: [title, [[signal, class], ...]]. */
export const PLOTS = Object.freeze([
  ["Heart rate", [["hr", "first"], ["pulse", "second"]]],
  ["Oxygen saturation", [["spo2", "first"]]],
  ["Respiration", [["resp", "first"]]],
  ["Cuff pressure", [["nbp_sys", "first"], ["nbp_dia", "first"], ["nbp_mean", "second"]]],
  ["Arterial pressure", [["abp_sys", "first"], ["abp_dia", "first"], ["abp_mean", "second"]]],
  ["Temperature", [["temp", "first"]]],
  ["End-tidal CO₂", [["etco2", "first"]]],
  ["Inspired oxygen", [["fio2", "first"]]],
]);

function timeTicks(fromTsMs, untilTsMs, width) {
  const about = Math.max(3, Math.floor(width / 90));
  const minutes = (untilTsMs - fromTsMs) / MINUTE_MS / about;
  const stepMs = (TIME_STEPS.find((step) => step >= minutes) ?? 360) * MINUTE_MS;
  const offsetMs = new Date(untilTsMs).getTimezoneOffset() * MINUTE_MS;
  const ticks = [];
  for (let at = Math.ceil((fromTsMs - offsetMs) / stepMs) * stepMs + offsetMs; at <= untilTsMs; at += stepMs) ticks.push(at);
  return ticks;
}

const path = (line, x, y) => line.map(([ts, value], i) => `${i ? "L" : "M"}${x(ts).toFixed(1)} ${y(value).toFixed(1)}`).join("");

function grid(svg, { x, y, low, high, width, fromTsMs, untilTsMs }) {
  const bottom = HEIGHT - MARGIN.bottom;
  const step = niceStep(high - low, 4);
  for (let value = Math.ceil(low / step) * step; value <= high; value += step) {
    svg.append(make("svg:line", { class: "grid", x1: MARGIN.left, x2: width - MARGIN.right, y1: y(value), y2: y(value) }));
    svg.append(make("svg:text", { class: "tick", x: MARGIN.left - 6, y: y(value) + 4, "text-anchor": "end" }, String(Number(value.toFixed(2)))));
  }
  for (const at of timeTicks(fromTsMs, untilTsMs, width - MARGIN.left)) {
    svg.append(make("svg:line", { class: "grid", x1: x(at), x2: x(at), y1: MARGIN.top, y2: bottom }));
    svg.append(make("svg:text", { class: "tick", x: x(at), y: HEIGHT - 6, "text-anchor": "middle" }, clockText(at)));
  }
}

function cuffs(svg, trend, { x, y, isInside }) {
  const diastolic = new Map((trend.nbp_dia ?? []).map((point) => [point[0], point[1]]));
  for (const [ts, value] of trend.nbp_sys ?? []) {
    const low = diastolic.get(ts);
    if (value === null || low === null || low === undefined || !isInside(ts)) continue;
    svg.append(make("svg:line", { class: "cuff", x1: x(ts), x2: x(ts), y1: y(value), y2: y(low) }));
  }
}

function drawSignal(svg, name, kind, points, frame) {
  const { x, y, width, fromTsMs, untilTsMs, isInside } = frame;
  const shown = points.filter(([ts]) => isInside(ts));
  const { lines, dots } = shapesOf(shown, SIGNAL.get(name).periodic);
  for (const line of lines) {
    const thin = thinned(line, fromTsMs, untilTsMs, Math.max(50, Math.floor(width)));
    svg.append(make("svg:path", { class: `line ${kind}`, "data-signal": name, d: path(thin, x, y) }));
  }
  for (const [ts, value] of dots) {
    svg.append(make("svg:circle", { class: `dot ${kind}`, "data-signal": name, cx: x(ts).toFixed(1), cy: y(value).toFixed(1), r: 3.2 }));
  }
}

function drawLimits(svg, limits, { y, low, high, width }) {
  for (const { value, label } of limits) {
    if (value < low || value > high) continue;
    svg.append(make("svg:line", { class: "limit", x1: MARGIN.left, x2: width - MARGIN.right, y1: y(value), y2: y(value) }));
    svg.append(make("svg:text", { class: "limit-text", x: width - MARGIN.right, y: y(value) - 3, "text-anchor": "end" }, label));
  }
}

/** The last minutes of a signal, as the worker that judges it has them: "15 min: mean 97, 94 to 99". */
function lately(names, windows) {
  const parts = names.filter((name) => windows?.whole?.[name]).map((name) => {
    const { mean, low, high } = windows.whole[name];
    return `${SIGNAL.get(name).label} mean ${valueText(name, mean)}, ${valueText(name, low)} to ${valueText(name, high)}`;
  });
  return parts.length ? `last ${windows.minutes} min: ${parts.join("; ")}` : "";
}

/** Read a plot with the pointer: the values next to it, as one line of text beside the title. */
function readout(svg, readingLine, names, trend, frame) {
  const cross = make("svg:line", { class: "cross", y1: MARGIN.top, y2: HEIGHT - MARGIN.bottom, x1: -9, x2: -9 });
  svg.append(cross);
  svg.addEventListener("pointermove", (event) => {
    const box = svg.getBoundingClientRect();
    const ts = frame.fromTsMs + (((event.clientX - box.left) / box.width) * frame.width - MARGIN.left) / frame.perMs;
    const parts = names.map((name) => {
      const near = (trend[name] ?? []).reduce((best, point) => (!best || Math.abs(point[0] - ts) < Math.abs(best[0] - ts) ? point : best), null);
      if (!near || Math.abs(near[0] - ts) > (frame.untilTsMs - frame.fromTsMs) / 40) return `${SIGNAL.get(name).label} –`;
      return `${SIGNAL.get(name).label} ${valueText(name, near[1])} at ${clockText(near[0])}`;
    });
    for (const end of ["x1", "x2"]) cross.setAttribute(end, frame.x(ts));
    readingLine.textContent = parts.join("   ");
  });
  svg.addEventListener("pointerleave", () => {
    for (const end of ["x1", "x2"]) cross.setAttribute(end, -9);
    readingLine.textContent = "";
  });
}

/**
 * Return the figure of one plot, null where none of its signals has a reading in the time shown.
 * `limits`: [{signal, value, label}]; `alarms`: [{signal, onset_ts_ms, priority}]; `windows`: {minutes, whole} or null.
 */
export function drawPlot(title, signals, trend, { limits, alarms, fromTsMs, untilTsMs, width, windows }) {
  const isInside = (ts) => ts >= fromTsMs && ts <= untilTsMs;
  const names = signals.map(([name]) => name).filter((name) => trend[name]?.some(([ts, value]) => value !== null && isInside(ts)));
  if (!names.length) return null;
  const { unit } = SIGNAL.get(names[0]);
  const values = names.flatMap((name) => trend[name].filter(([ts, value]) => value !== null && isInside(ts)).map(([, value]) => value));
  const ours = limits.filter(({ signal }) => names.includes(signal));
  const [low, high] = rangeOf(values, ours.map(({ value }) => value), LEAST_SPAN[unit] ?? 1);
  const perMs = (width - MARGIN.left - MARGIN.right) / (untilTsMs - fromTsMs);
  const x = (ts) => MARGIN.left + (ts - fromTsMs) * perMs;
  const y = (value) => HEIGHT - MARGIN.bottom - ((value - low) / (high - low)) * (HEIGHT - MARGIN.top - MARGIN.bottom);
  const frame = { x, y, low, high, width, fromTsMs, untilTsMs, isInside, perMs };
  const words = names.map((name) => inWords(SIGNAL.get(name).title, unit, trend[name], (value) => valueText(name, value))).join("; ");
  const svg = make("svg:svg", { class: "plot", viewBox: `0 0 ${width} ${HEIGHT}`, role: "img", "aria-label": words });
  grid(svg, frame);
  drawLimits(svg, ours, frame);
  for (const { onset_ts_ms: at, priority } of alarms.filter(({ signal, onset_ts_ms: ts }) => names.includes(signal) && isInside(ts))) {
    svg.append(make("svg:line", { class: "onset", "data-priority": priority, x1: x(at), x2: x(at), y1: MARGIN.top, y2: HEIGHT - MARGIN.bottom }));
  }
  if (names.includes("nbp_sys")) cuffs(svg, trend, frame);
  for (const [name, kind] of signals) if (names.includes(name)) drawSignal(svg, name, kind, trend[name], frame);
  const readingLine = make("span", { class: "reading" });
  readout(svg, readingLine, names, trend, frame);
  const key = signals.filter(([name]) => names.includes(name)).map(([name, kind]) => make("span", { class: `key ${kind}` }, SIGNAL.get(name).label));
  return make(
    "figure",
    { class: "trend", "data-plot": title },
    make("figcaption", {}, make("strong", {}, title), make("span", { class: "unit" }, unit), ...key, make("span", { class: "reading lately" }, lately(names, windows)), readingLine),
    svg,
  );
}
