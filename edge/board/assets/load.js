// Alarm load: how many alarms began, per bed and shift; the beds that alarm most on top.

import { getJson } from "./ask.js";
import { make, setText } from "./dom.js";
import { alarmTitle, bedName, byName, clockText } from "./format.js";
import { SEVERITIES } from "./model.js";
import { MARKS } from "./tile.js";

const FETCH_TIMEOUT_MS = 10_000;
const RENEW_MS = 60_000;
const SHIFTS_H = [8, 12];
const SHOWN = SEVERITIES.filter((severity) => severity !== "none");

/** Rows of the table from what the server counted: [{patient, ward, total, shifts: Map of shift to counts}]. Pure. */
export function rowsOf(load) {
  const rows = new Map();
  for (const { patient, ward, shift_ts_ms: shift, alarms, rules } of load.beds) {
    if (!rows.has(patient)) rows.set(patient, { patient, ward, total: 0, shifts: new Map() });
    const row = rows.get(patient);
    const count = Object.values(alarms).reduce((sum, each) => sum + each, 0);
    row.total += count;
    row.shifts.set(shift, { count, alarms, rules: rules ?? {} });
  }
  return [...rows.values()].sort((one, other) => other.total - one.total || byName(one.patient, other.patient));
}

/** How dark a cell is: 0 to 4, by its share of the largest. */
export const levelOf = (count, most) => (count && most ? Math.ceil((count / most) * 4) : 0);

export class LoadPage {
  constructor(site) {
    this.site = site;
    this.shiftH = SHIFTS_H[0];
    const button = (hours) => make("button", { type: "button", "data-hours": hours, onclick: () => this.span(hours) }, `Shifts of ${hours} h`);
    this.note = make("p", { class: "note", role: "status" }, "Counting …");
    this.head = make("tr");
    this.rows = make("tbody");
    this.spans = make("p", { class: "spans", role: "group", "aria-label": "Length of a shift" }, ...SHIFTS_H.map(button));
    this.root = make(
      "article",
      { class: "load-page" },
      make("h1", { tabindex: -1 }, "Alarm load"),
      make("p", { class: "lead" }, "Alarms that began in the last 24 hours, by bed and shift."),
      this.spans,
      this.note,
      make("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Alarms by bed and shift" }, make("table", { class: "load" }, make("thead", {}, this.head), this.rows)),
    );
    this.timer = setInterval(() => this.fetch(), RENEW_MS);
    this.fetch();
  }

  get title() {
    return "Alarm load";
  }

  current() {
    return null;
  }

  span(hours) {
    this.shiftH = hours;
    this.fetch();
  }

  async fetch() {
    for (const button of this.spans.children) button.setAttribute("aria-pressed", String(Number(button.dataset.hours) === this.shiftH));
    try {
      const said = await getJson(`/v1/load?shift_h=${this.shiftH}&utc_offset_min=${-new Date().getTimezoneOffset()}`, FETCH_TIMEOUT_MS);
      if (!this.closed) this.show(said);
    } catch (error) {
      if (!this.closed) setText(this.note, `The load could not be counted: ${error.message}. What is below, if anything, is older.`);
    }
  }

  show(load) {
    this.load = load;
    this.named = this.site.model.beds.size;
    const rows = rowsOf(load);
    const total = rows.reduce((sum, row) => sum + row.total, 0);
    const most = Math.max(0, ...rows.flatMap((row) => [...row.shifts.values()].map(({ count }) => count)));
    setText(this.note, rows.length ? `${total} alarms at ${rows.length} beds, counted ${clockText(load.now_ts_ms, true)}.` : "No alarm has begun.");
    const shifts = load.shifts.map((shift) => `${clockText(shift)}–${clockText(shift + load.shift_ms)}`);
    this.head.replaceChildren(...["Bed", "Ward", ...shifts, "All", "Most often"].map((text) => make("th", { scope: "col" }, text)));
    this.rows.replaceChildren(...rows.map((row) => this.makeRow(row, load.shifts, most)));
  }

  makeRow(row, shifts, most) {
    const bed = this.site.model.beds.get(row.patient) ?? { patient: row.patient };
    const often = new Map();
    for (const { rules } of row.shifts.values()) for (const [rule, count] of Object.entries(rules)) often.set(rule, (often.get(rule) ?? 0) + count);
    const [first] = [...often].sort((one, other) => other[1] - one[1]);
    return make(
      "tr",
      {},
      make("th", { scope: "row" }, make("a", { href: `/bed/${encodeURIComponent(row.patient)}` }, bedName(bed))),
      make("td", {}, this.site.model.names.get(row.ward) || row.ward || "–"),
      ...shifts.map((shift) => cell(row.shifts.get(shift), most)),
      make("td", { class: "all" }, String(row.total)),
      make("td", {}, first ? `${alarmTitle({ rule: first[0] })} (${first[1]})` : "–"),
    );
  }

  /** Beds get their labels when the wards are known. */
  draw() {
    if (this.load && this.site.model.beds.size !== this.named) this.show(this.load);
  }

  tick() {}

  walk(key) {
    const links = [...this.rows.querySelectorAll("a")];
    const here = links.indexOf(document.activeElement);
    links[Math.min(Math.max(here + (key === "next" || key === "down" ? 1 : -1), 0), links.length - 1)]?.focus();
  }

  close() {
    this.closed = true;
    clearInterval(this.timer);
  }
}

function cell(shift, most) {
  if (!shift) return make("td", { "data-level": 0 }, "0");
  const parts = SHOWN.filter((severity) => shift.alarms[severity]).map((severity) => `${MARKS[severity].shape} ${shift.alarms[severity]}`);
  return make("td", { "data-level": levelOf(shift.count, most) }, make("strong", {}, String(shift.count)), make("span", { class: "parts" }, parts.join(" ")));
}
