// Who is on: what is assigned in each ward, who is asked at each bed now, and saying so with its answer.

import { getJson } from "./ask.js";
import { ask, field } from "./dialogs.js";
import { make, setText } from "./dom.js";
import { ageText, clockText } from "./format.js";

const ADDRESS = "/v1/assignments";
const FETCH_TIMEOUT_MS = 10_000;
/** An answer waits for Kafka; its producer gives up by itself before this. */
const SAY_TIMEOUT_MS = 30_000;
const RENEW_MS = 5_000;
/** What the board has not read for so long is said to be old. */
const OLD_S = 15;
const SHIFT_MS = 8 * 3_600_000;

const two = (number) => String(number).padStart(2, "0");

/** A moment as an input of kind datetime-local has it, in the clock of the place where the page is read. Pure. */
export function localText(tsMs) {
  const at = new Date(tsMs);
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}T${clockText(tsMs)}`;
}

/** "07:00–15:30", with the days where they are not today's. Pure. */
export function shiftText(fromTsMs, untilTsMs, nowTsMs) {
  const day = (tsMs) => localText(tsMs).slice(0, 10);
  const text = (tsMs) => (day(tsMs) === day(nowTsMs) ? "" : `${day(tsMs).slice(5)} `) + clockText(tsMs);
  return `${text(fromTsMs)}–${text(untilTsMs)}`;
}

/** What an answer says to the person, from the HTTP status and the body. Pure. */
export function answerText(status, body) {
  if (status === 200) return { isDone: body.outcome === "accepted", text: body.outcome === "accepted" ? `Done: ${body.reason}.` : `Refused: ${body.reason}.` };
  if (status === 401) return { isDone: false, text: "Signed out: sign in, then say it again." };
  if (status === 504) return { isDone: false, text: `No answer has come: look below before saying it again. ${body.detail ?? ""}` };
  return { isDone: false, text: `Not done: ${body.detail ?? `the server answered ${status}`}.` };
}

const placeText = (one) => (one.is_ward ? "Whole ward" : one.label);

export class RotaPage {
  constructor(site) {
    this.site = site;
    this.said = "";
    this.note = make("p", { class: "note answer", role: "status" });
    this.late = make("p", { class: "late" });
    this.wards = make("div", { class: "rota-wards" });
    this.root = make(
      "article",
      { class: "rota-page" },
      make("h1", { tabindex: -1 }, this.title),
      make("p", { class: "lead" }, "Who is asked at each bed now, and shifts that begin within a day. A bed's own people stand for the ward's."),
      this.note,
      this.late,
      this.wards,
    );
    this.timer = setInterval(() => document.hidden || this.fetch(), RENEW_MS);
    setText(this.late, "Reading …");
    this.fetch();
  }

  get title() {
    return "Who is on";
  }

  current() {
    return null;
  }

  async fetch() {
    try {
      const said = await getJson(ADDRESS, FETCH_TIMEOUT_MS);
      if (!this.closed) this.show(said);
    } catch (error) {
      if (!this.closed) setText(this.late, `Who is on could not be read: ${error.message}. What is below, if anything, is older.`);
    }
  }

  /** Draw anew only what has changed: whoever stands on a button stays there. */
  show({ now_ts_ms: nowTsMs, age_s: ageS, wards }) {
    setText(this.late, ageS > OLD_S ? `Kafka has not answered for ${ageText(ageS * 1000)}: what is below is as old.` : "");
    const said = JSON.stringify(wards);
    if (said === this.said) return;
    this.said = said;
    const focus = document.activeElement?.dataset?.focus;
    this.wards.replaceChildren(...(wards.length ? wards.map((ward) => this.makeWard(ward, nowTsMs)) : [make("p", { class: "none" }, "There is no ward that you may view.")]));
    if (focus) [...this.wards.querySelectorAll("[data-focus]")].find((each) => each.dataset.focus === focus)?.focus();
  }

  makeWard(ward, nowTsMs) {
    const name = ward.name || "No ward";
    const rows = ward.assignments.map((one) => this.makeRow(ward, one, nowTsMs));
    const head = ["Place", "Role", "Who", "Shift", "Said by", "End"].map((text) => make("th", { scope: "col" }, text));
    const table = make("table", {}, make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...rows));
    return make(
      "section",
      { class: "panel", "data-ward": ward.ward },
      make(
        "header",
        { class: "rota-head" },
        make("h2", {}, name),
        make("button", { type: "button", disabled: !ward.may, "data-focus": `assign ${ward.ward}`, onclick: () => this.assign(ward), "aria-label": `Assign in ${name}` }, "Assign …"),
        ward.may ? null : make("span", { class: "note" }, "You may look: who may configure the ward assigns."),
      ),
      rows.length ? make("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": `Assignments of ${name}` }, table) : make("p", { class: "nobody" }, "Nobody is assigned here."),
      ward.beds.length ? make("h3", {}, "Asked at each bed now") : null,
      ward.beds.length ? make("ul", { class: "rota-beds" }, ...ward.beds.map(makeBed)) : null,
    );
  }

  makeRow(ward, one, nowTsMs) {
    const cells = [one.role, one.person, `${one.is_on ? "" : "planned "}${shiftText(one.from_ts_ms, one.until_ts_ms, nowTsMs)}`, one.reporter];
    const about = `${one.person}, ${one.role}, ${placeText(one)}`;
    const key = `end ${one.place} ${one.role} ${one.person} ${one.from_ts_ms}`;
    const button = make("button", { type: "button", disabled: !ward.may, "data-focus": key, "aria-label": `End: ${about}`, onclick: () => this.end(one, about) }, "End …");
    return make(
      "tr",
      { "data-planned": !one.is_on },
      make("th", { scope: "row" }, placeText(one)),
      ...cells.map((text) => make("td", {}, text)),
      make("td", {}, button),
    );
  }

  async assign(ward) {
    const now = Date.now();
    const option = (value, text) => make("option", { value }, text);
    const place = make("select", { name: "place", autofocus: true }, option(`~ward/${ward.ward}`, "Whole ward"), ...ward.beds.map(({ patient, label }) => option(patient, label)));
    const text = (name) => make("input", { name, required: true, maxlength: 64, autocomplete: "off" });
    const time = (name, tsMs) => make("input", { name, type: "datetime-local", required: true, value: localText(tsMs) });
    if (!ward.ward) place.firstElementChild.remove(); // beds of no ward have no ward to be assigned to
    const known = [...new Set(ward.assignments.map(({ role }) => role))];
    const role = text("role");
    role.value = known[0] ?? "nurse";
    const fields = [field("Where", place), field("Role", role), field("Who", text("person")), field("From", time("from", now)), field("Until", time("until", now + SHIFT_MS))];
    const data = await ask(`Assign in ${ward.name || "no ward"}`, fields, "Assign");
    if (!data) return;
    const from = new Date(data.get("from")).getTime();
    const said = { place: data.get("place"), role: data.get("role").trim(), person: data.get("person").trim() };
    const isNow = data.get("from") === localText(now);
    await this.say({ act: "assign", ...said, ...(isNow ? {} : { from_ts_ms: from }), until_ts_ms: new Date(data.get("until")).getTime() });
  }

  async end(one, about) {
    const words = one.is_on ? "The shift ends now." : "The planned shift is deleted.";
    if (!(await ask(`End: ${about}?`, [make("p", {}, words)], "End"))) return;
    const { place, role, person, from_ts_ms } = one;
    await this.say({ act: "end", place, role, person, from_ts_ms });
  }

  async say(body) {
    setText(this.note, "Asked …");
    let answer;
    try {
      const options = { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body), signal: AbortSignal.timeout(SAY_TIMEOUT_MS) };
      const got = await fetch(ADDRESS, options);
      answer = answerText(got.status, await got.json().catch(() => ({})));
    } catch {
      answer = { isDone: false, text: "The server could not be reached: look below before saying it again." };
    }
    if (this.closed) return this.site.say(answer.text);
    this.note.dataset.outcome = answer.isDone ? "done" : "not-done";
    setText(this.note, answer.text);
    await this.fetch();
  }

  draw() {}

  tick() {}

  walk(key) {
    const buttons = [...this.wards.querySelectorAll("button:not(:disabled)")];
    const here = buttons.indexOf(document.activeElement);
    buttons[Math.min(Math.max(here + (key === "next" || key === "down" ? 1 : -1), 0), buttons.length - 1)]?.focus();
  }

  close() {
    this.closed = true;
    clearInterval(this.timer);
  }
}

function makeBed({ patient, label, asked }) {
  const parts = asked.map(({ role, people, own }) => make("span", { class: "asked-one", "data-own": own }, `${role}: ${people.join(", ")}${own ? " (own)" : ""}`));
  return make("li", { "data-patient": patient }, make("a", { href: `/bed/${encodeURIComponent(patient)}` }, label), ...(parts.length ? parts : [make("span", { class: "nobody" }, "nobody")]));
}
