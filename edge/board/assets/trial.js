// Rules on trial: what they tell otherwise than those in force, by ward and rule, and each difference; to be read only.

import { getJson } from "./ask.js";
import { make, setText } from "./dom.js";
import { alarmTitle, ageText, bedName, clockText } from "./format.js";
import { localText } from "./rota.js";

const FETCH_TIMEOUT_MS = 30_000;
const RENEW_MS = 60_000;
/** The server says "not yet" while a comparison is made. */
const AGAIN_MS = 5_000;
const OTHER = ["lower", "higher", "more", "fewer"];
const WORDS = {
  "only-new": "only the new rules",
  "only-present": "only the present rules",
  later: "later",
  earlier: "earlier",
  lower: "at lower priority",
  higher: "at higher priority",
  more: "more often",
  fewer: "less often",
  same: "as now",
};

/** "later by 12 s", "only the new rules; the present told spo2-low of it". Pure. */
export function outcomeText({ outcome, shift_s: shiftS, instead }) {
  const much = outcome === "later" || outcome === "earlier" ? ` by ${secondsText(Math.abs(shiftS))}` : "";
  const other = instead?.length ? `; the others told ${instead.join(", ")} then` : "";
  return `${WORDS[outcome] ?? outcome}${much}${other}`;
}

/** "0.5 s", "12 s", "4 min". Pure. */
export const secondsText = (seconds) => (seconds < 60 ? `${Math.round(seconds * 10) / 10} s` : ageText(seconds * 1000));

const momentText = (tsMs) => `${localText(tsMs).slice(5, 10)} ${clockText(tsMs, true)}`;

export class TrialPage {
  constructor(site) {
    this.site = site;
    this.note = make("p", { class: "note", role: "status" }, "Comparing …");
    this.body = make("div", { class: "trial-body" });
    this.root = make(
      "article",
      { class: "trial-page" },
      make("h1", { tabindex: -1 }, this.title),
      make("p", { class: "lead" }, "What rules that are tried on the live log would tell otherwise. Nobody is alarmed by them, and nothing here changes anything."),
      this.note,
      this.body,
    );
    this.fetch();
  }

  get title() {
    return "Rules on trial";
  }

  current() {
    return null;
  }

  async fetch() {
    let wait = RENEW_MS;
    try {
      const said = await getJson("/v1/shadow", FETCH_TIMEOUT_MS);
      if (this.closed) return;
      this.show(said);
    } catch (error) {
      if (this.closed) return;
      wait = AGAIN_MS;
      setText(this.note, `The comparison could not be read: ${error.message}. What is below, if anything, is older.`);
    }
    this.timer = setTimeout(() => this.fetch(), wait);
  }

  show(said) {
    if (!said.rules) {
      setText(this.note, "No rules are tried now.");
      this.body.replaceChildren();
      return;
    }
    this.data = said;
    this.named = this.site.model.beds.size;
    const { rules, present, totals } = said;
    const until = said.until_ts_ms ? momentText(said.until_ts_ms) : "nowhere: a partition has not been judged yet";
    setText(this.note, `Compared from ${momentText(said.since_ts_ms)} to ${until}. ${said.differences_total} differences, ${totals.same ?? 0} alarms as now.`);
    const who = (one) => (one ? `${one.name || "each worker's own"} ${one.file ? `(${one.file}) ` : ""}since ${momentText(one.since_ts_ms)} by ${one.actor}: ${one.reason}` : "what the workers' own settings say");
    this.body.replaceChildren(
      make("dl", { class: "trial-rules" }, make("dt", {}, "New"), make("dd", {}, who(rules)), make("dt", {}, "Present"), make("dd", {}, who(present))),
      said.behind ? make("p", { class: "late" }, `The new rules have not judged ${said.behind} records yet.`) : "",
      said.counts.length ? this.makeCounts(said.counts) : make("p", { class: "none" }, "Neither told anything in this time."),
      said.differences.length ? this.makeDifferences(said) : "",
    );
  }

  wardName(ward) {
    return this.site.model.names.get(ward) || ward || "–";
  }

  makeCounts(counts) {
    const much = (count, shiftS) => (count ? `${count}${shiftS === null ? "" : ` (${secondsText(Math.abs(shiftS))})`}` : "–");
    const rows = counts.map((line) =>
      makeRow([
        this.wardName(line.ward),
        alarmTitle({ rule: line.rule }),
        line.present,
        line.new,
        line["only-present"] || "–",
        line["only-new"] || "–",
        much(line.later, line.later_s),
        much(line.earlier, line.earlier_s),
        OTHER.reduce((sum, outcome) => sum + line[outcome], 0) || "–",
      ]),
    );
    return makeTable("By ward and rule; in brackets how much, the median", ["Ward", "Rule", "Told now", "Told by new", "Only now", "Only new", "Later", "Earlier", "Otherwise"], rows);
  }

  makeDifferences({ differences, differences_total: total }) {
    const rows = differences.map((one) => {
      const bed = this.site.model.beds.get(one.patient) ?? { patient: one.patient };
      const link = make("a", { href: `/bed/${encodeURIComponent(one.patient)}` }, bedName(bed));
      return makeRow([link, this.wardName(one.ward), alarmTitle({ rule: one.rule }), outcomeText(one), momentText(one.start_ts_ms), `${one.present ?? "–"} / ${one.new ?? "–"}`, one.reason]);
    });
    const cut = differences.length < total ? `, ${differences.length} of ${total}` : "";
    return makeTable(`What would change, what matters most first${cut}`, ["Bed", "Ward", "Rule", "What", "First told", "Now / new", "Why"], rows);
  }

  /** Beds get their labels when the wards are known. */
  draw() {
    if (this.data && this.site.model.beds.size !== this.named) this.show(this.data);
  }

  tick() {}

  walk(key) {
    const links = [...this.body.querySelectorAll("a")];
    const here = links.indexOf(document.activeElement);
    links[Math.min(Math.max(here + (key === "next" || key === "down" ? 1 : -1), 0), links.length - 1)]?.focus();
  }

  close() {
    this.closed = true;
    clearTimeout(this.timer);
  }
}

function makeRow([first, ...cells]) {
  const content = (each) => (each instanceof Node ? each : String(each));
  return make("tr", {}, make("th", { scope: "row" }, content(first)), ...cells.map((each) => make("td", {}, content(each))));
}

function makeTable(caption, head, rows) {
  const heads = head.map((text) => make("th", { scope: "col" }, text));
  const table = make("table", {}, make("caption", {}, caption), make("thead", {}, make("tr", {}, ...heads)), make("tbody", {}, ...rows));
  return make("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": caption }, table);
}
