// One bed on the wall: what is wrong first and large, then the values with their age.

import { make, setAttribute, setText } from "./dom.js";
import {
  ageText, alarmLimit, alarmTitle, alarmValue, askedText, bedName, durationText, pauseText, scoreLacks, scoreText,
} from "./format.js";
import { alarmsInOrder, unknownPriority } from "./model.js";
import { SIGNAL, VITALS, freshnessOf, valueText } from "./signals.js";

/** Never colour alone: shape, stars and word of each severity; the same shapes as on the terminal. */
export const MARKS = Object.freeze({
  high: { shape: "▲", stars: "***", word: "high" },
  medium: { shape: "◆", stars: "**", word: "medium" },
  low: { shape: "■", stars: "*", word: "low" },
  technical: { shape: "○", stars: "", word: "technical" },
  none: { shape: "", stars: "", word: "no alarm" },
});

export const priorityMark = (priority) => `${MARKS[priority]?.shape ?? ""} ${MARKS[priority]?.stars ?? ""}`.trim();

/** The mark of a bed: shape and stars of its worst alarm; of data alone it is the ring with that alarm's stars. */
export function markOf(bed) {
  const [worst] = alarmsInOrder(bed);
  if (!worst) return "";
  const shape = worst.type === "technical" ? MARKS.technical.shape : MARKS[worst.priority].shape;
  return `${shape} ${MARKS[worst.priority].stars}`;
}

/** How large a tile is: "big" calls, "row" is known or mild, "small" is quiet. */
export function sizeOf(bed) {
  if (bed.severity === "none" || !bed.alarms.length) return "small";
  const isSevere = bed.severity === "high" || bed.severity === "medium";
  return isSevere && unknownPriority(bed, "none") ? "big" : "row";
}

/** One line of values: the label, what it says, its age, and how fresh it is. */
export function vitalsOf(bed, nowTsMs) {
  return VITALS.map(({ label, of, unit }) => {
    const names = of.find((each) => each.every((name) => bed.values[name])) ?? null;
    if (!names) return { label, text: "–", unit: "", age: "", freshness: "none" };
    const oldest = Math.min(...names.map((name) => bed.values[name].ts_ms));
    const ageMs = nowTsMs - oldest;
    const freshness = freshnessOf(SIGNAL.get(names[0]), ageMs);
    const text = names.map((name) => valueText(name, bed.values[name].value)).join("/");
    return { label, text, unit, age: freshness === "new" ? "" : ageText(ageMs), freshness };
  });
}

/** What a screen reader says of a bed. */
export function spoken(bed, nowTsMs) {
  const [worst] = alarmsInOrder(bed);
  const vitals = vitalsOf(bed, nowTsMs)
    .filter(({ freshness }) => freshness !== "none")
    .map(({ label, text, unit, freshness }) => `${label} ${text} ${unit}${freshness === "old" ? ", old" : ""}`);
  const alarm = worst
    ? `${MARKS[bed.severity].word}: ${alarmTitle(worst)} ${alarmValue(worst)} ${alarmLimit(worst)}, ${askedText(worst)}`
    : "no alarm";
  const score = bed.scores?.news2;
  return `${bedName(bed)}, ${alarm}; ${vitals.join("; ")}; NEWS2 ${scoreText(score)} ${scoreLacks(score)}`;
}

export function makeTile() {
  const tile = make(
    "a",
    { class: "tile", tabindex: -1 },
    make(
      "span",
      { class: "stripe" },
      make("span", { class: "mark" }),
      make("span", { class: "title" }),
      make("span", { class: "duration" }),
    ),
    make("span", { class: "bed" }),
    make("span", { class: "score" }, make("span", { class: "score-name" }, "NEWS2 "), make("span", { class: "total" })),
    make("span", { class: "measured" }),
    make("span", { class: "limit" }),
    make("span", { class: "asked" }),
    make("span", { class: "vitals" }, ...VITALS.map(vitalSlot)),
    make("span", { class: "foot" }),
  );
  tile.slots = Object.fromEntries(
    ["stripe", "mark", "title", "duration", "bed", "score", "total", "measured", "limit", "asked", "foot"].map((name) => [
      name,
      tile.querySelector(`.${name}`),
    ]),
  );
  tile.vitals = [...tile.querySelectorAll(".vital")].map((vital) => ({
    vital,
    value: vital.querySelector(".value"),
    age: vital.querySelector(".age"),
  }));
  return make("li", {}, tile);
}

function vitalSlot({ label, unit }) {
  return make(
    "span",
    { class: "vital" },
    make("span", { class: "label" }, label, make("span", { class: "unit" }, unit)),
    make("span", { class: "value" }),
    make("span", { class: "age" }),
  );
}

/** Show a bed in its tile. `isSilent`: nobody judges it now, so nothing of it is shown as if it were new. */
export function showTile(item, bed, isSilent) {
  const tile = item.firstElementChild;
  const { slots } = tile;
  const [worst, ...others] = alarmsInOrder(bed);
  setAttribute(item, "data-size", sizeOf(bed));
  setAttribute(item, "data-severity", bed.severity);
  setAttribute(item, "data-priority", worst?.priority);
  setAttribute(item, "data-flash", unknownPriority(bed, "alarm"));
  setAttribute(item, "data-silent", isSilent);
  setAttribute(tile, "href", `/bed/${encodeURIComponent(bed.patient)}`);
  setText(slots.mark, markOf(bed));
  setText(slots.bed, bedName(bed));
  setText(slots.title, worst ? alarmTitle(worst) : "");
  setText(slots.measured, worst ? alarmValue(worst) : "");
  setText(slots.limit, worst ? alarmLimit(worst) : "");
  setText(slots.asked, worst ? askedText(worst) : "");
  tile.others = others.length ? `+${others.length}: ${others.map(alarmTitle).join(", ")}` : "";
  const score = bed.scores?.news2;
  setText(slots.total, scoreText(score));
  setAttribute(slots.score, "data-band", score?.band ?? "none");
  setAttribute(slots.score, "title", `NEWS2 ${scoreText(score)} ${scoreLacks(score)}`);
}

/** Bring what hangs on the time up to date: durations, ages, the pause. */
export function ageTile(item, bed, nowTsMs) {
  const tile = item.firstElementChild;
  const { slots } = tile;
  const [worst] = alarmsInOrder(bed);
  setText(slots.duration, worst ? durationText(nowTsMs - worst.onset_ts_ms) : "");
  const lacks = scoreLacks(bed.scores?.news2);
  const notes = [pauseText(bed.pause, nowTsMs), tile.others, bed.limits_widened?.length ? "limits wider" : "", lacks];
  setText(slots.foot, notes.filter(Boolean).join(" · "));
  setAttribute(item, "data-paused", bed.pause?.mode);
  vitalsOf(bed, nowTsMs).forEach(({ text, age, freshness }, index) => {
    const { vital, value, age: ageSlot } = tile.vitals[index];
    setText(value, text);
    setText(ageSlot, age);
    setAttribute(vital, "data-freshness", freshness);
  });
  setAttribute(tile, "aria-label", spoken(bed, nowTsMs));
}
