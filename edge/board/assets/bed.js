// One bed's page: alarms with what can be done, the values, 24 hours as plots, limits, and what was ordered.

import { getJson } from "./ask.js";
import { askAcknowledge, askLimits, askPause } from "./dialogs.js";
import { keyed, make, setAttribute, setText } from "./dom.js";
import {
  alarmLimit, alarmTitle, alarmValue, askedText, bedName, clockText, durationText, isPatient, pauseText, scoreLacks, scoreText,
} from "./format.js";
import { alarmsInOrder, serverNow } from "./model.js";
import { PLOTS, drawPlot } from "./plot.js";
import { SIGNALS } from "./signals.js";
import { isSilent } from "./silence.js";
import { MARKS, priorityMark, vitalsOf } from "./tile.js";
import { extended } from "./trend.js";

const HOUR_MS = 3_600_000;
const SPANS_H = [1, 6, 24];
const FETCH_TIMEOUT_MS = 10_000;
/** Plots are drawn again so often at most; readings in between are collected. */
const REDRAW_MS = 2_000;
const POINTS_MAX = 30_000;
const LATE_AGAIN_MS = 3_000;
const LATE_TRIES_MAX = 5;
const COMMANDS_SHOWN = 12;
const NOT_SHOWN = "Nothing is shown of this bed: there is none of this name in a ward that you may view, or it has not been told yet.";
/** Plots are drawn for this size of type and grow with the page's. */
const PLOT_TYPE_PX = 16;

export class BedPage {
  constructor(site, patient) {
    this.site = site;
    this.patient = patient;
    this.trend = {};
    this.limits = null;
    this.orders = [];
    this.spanH = 24;
    this.late = null;
    this.tries = 0;
    this.drawnAt = -Infinity;
    this.build();
    this.resize = new ResizeObserver(() => this.drawPlots());
    this.resize.observe(this.plots);
    this.fetch();
  }

  get title() {
    const bed = this.bed;
    return bed ? bedName(bed) : this.patient;
  }

  get bed() {
    return this.site.model.beds.get(this.patient) ?? this.fetched ?? null;
  }

  current() {
    return this.bed;
  }

  build() {
    const button = (text, run, act) => make("button", { type: "button", onclick: run, "data-act": act }, text);
    this.name = make("h1", { class: "bed-name", tabindex: -1 });
    this.ward = make("span", { class: "bed-ward" });
    this.pause = make("span", { class: "bed-pause" });
    this.score = make("div", { class: "bed-score" }, make("span", { class: "label" }, "NEWS2"), make("span", { class: "total" }), make("span", { class: "lacks" }));
    this.values = make("dl", { class: "bed-values" });
    this.alarms = make("ul", { class: "alarms" });
    this.quiet = make("p", { class: "note" }, NOT_SHOWN);
    this.acts = make(
      "p",
      { class: "acts" },
      button("Acknowledge …", () => askAcknowledge(this.site, this.bed), "acknowledge"),
      button("Pause …", () => askPause(this.site, this.bed), "pause"),
      button("End the pause", () => this.site.commands.send("resume", this.patient, {}, bedName(this.bed)), "pause"),
    );
    this.lateLine = make("p", { class: "late", role: "status" });
    this.plots = make("div", { class: "plots" });
    this.spans = make("p", { class: "spans", role: "group", "aria-label": "Time shown" }, ...SPANS_H.map((hours) => make("button", { type: "button", "data-hours": hours, onclick: () => this.span(hours) }, `${hours} h`)));
    this.limitRows = make("tbody");
    this.orderRows = make("tbody");
    const table = (caption, heads, rows) => make("table", {}, make("caption", {}, caption), make("thead", {}, make("tr", {}, ...heads.map((head) => make("th", { scope: "col" }, head)))), rows);
    this.root = make(
      "article",
      { class: "bed-page" },
      make("header", { class: "bed-head" }, make("a", { href: "/", class: "back" }, "← Ward"), this.name, this.ward, this.pause, this.score),
      this.values,
      make("section", { class: "panel alarms-panel", "aria-label": "Open alarms" }, make("h2", {}, "Open alarms"), this.quiet, this.alarms, this.acts),
      make("section", { class: "panel trends-panel", "aria-label": "Trends" }, make("h2", {}, "Trends"), this.spans, this.lateLine, this.plots),
      make(
        "section",
        { class: "panel tables-panel", "aria-label": "Limits and commands" },
        make("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Limits in force" }, table("Limits in force", ["Alarm", "Low", "High", "Change"], this.limitRows)),
        make("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Commands" }, table("Commands", ["When", "Who", "What", "Answer"], this.orderRows)),
      ),
    );
  }

  /** Ask for the whole page; what was late is asked for again, a bounded number of times. */
  async fetch() {
    try {
      const said = await getJson(`/v1/beds/${encodeURIComponent(this.patient)}`, FETCH_TIMEOUT_MS);
      if (this.closed) return;
      this.fetched = said.bed;
      this.limits = said.limits?.limits ?? said.limits ?? null;
      this.orders = said.commands ?? [];
      if (Object.keys(said.trend ?? {}).length) this.trend = said.trend;
      this.late = said.late ?? [];
      this.isKept = said.history !== false;
      this.windows = said.windows ?? null;
      if (this.late.length && this.tries < LATE_TRIES_MAX) {
        this.tries += 1;
        this.again = setTimeout(() => this.fetch(), LATE_AGAIN_MS);
      }
    } catch (error) {
      if (this.closed) return;
      this.late = [`everything (${error.message})`];
    }
    const late = this.late.length ? `Late, shown without: ${this.late.join(", ")}.` : "";
    setText(this.lateLine, late || (this.isKept ? "" : "No history is kept here: the plots hold what the worker and this page still know."));
    this.drawn = false;
    this.drawTables();
    this.drawPlots();
    this.draw();
  }

  span(hours) {
    this.spanH = hours;
    this.drawPlots();
  }

  draw() {
    const { bed } = this;
    setText(this.name, this.title);
    document.title = `${this.title} – Vigil`;
    this.quiet.hidden = false;
    this.acts.hidden = !bed;
    setText(this.quiet, bed ? "No open alarm." : NOT_SHOWN);
    if (!bed) return;
    setText(this.ward, this.site.model.names.get(bed.ward) || bed.ward);
    setAttribute(this.root, "data-severity", bed.severity);
    setAttribute(this.root, "data-silent", isSilent(bed, this.site.silences));
    this.collect(bed);
    const alarms = alarmsInOrder(bed);
    this.quiet.hidden = alarms.length > 0;
    keyed(this.alarms, alarms, (alarm) => alarm.episode, () => this.makeAlarm(), (item, alarm) => this.showAlarm(item, alarm, bed));
    const { person } = this.site;
    for (const button of this.acts.children) {
      const isResume = button.textContent.startsWith("End");
      button.hidden = (isResume && !bed.pause) || (button.dataset.act === "pause" && !isPatient(bed.patient));
      button.disabled = person ? !person.may(button.dataset.act, bed.ward) : false;
    }
    this.tick();
  }

  tick() {
    const { bed } = this;
    const at = this.site.now();
    const nowTsMs = serverNow(this.site.model, at);
    if (!bed || nowTsMs === null) return;
    setText(this.pause, pauseText(bed.pause, nowTsMs));
    setText(this.score.querySelector(".total"), scoreText(bed.scores?.news2));
    setText(this.score.querySelector(".lacks"), scoreLacks(bed.scores?.news2));
    setAttribute(this.score, "data-band", bed.scores?.news2?.band ?? "none");
    keyed(
      this.values,
      vitalsOf(bed, nowTsMs),
      ({ label }) => label,
      ({ label }) => make("div", { class: "vital" }, make("dt", { class: "label" }, label), make("dd", {}, make("span", { class: "value" }), make("span", { class: "unit" }), make("span", { class: "age" }))),
      (slot, { text, unit, age, freshness }) => {
        setText(slot.querySelector(".value"), text);
        setText(slot.querySelector(".unit"), unit);
        setText(slot.querySelector(".age"), age);
        setAttribute(slot, "data-freshness", freshness);
      },
    );
    const byEpisode = new Map(bed.alarms.map((alarm) => [alarm.episode, alarm]));
    for (const item of this.alarms.children) {
      const alarm = byEpisode.get(item.dataset.key);
      if (alarm) setText(item.querySelector(".duration"), durationText(nowTsMs - alarm.onset_ts_ms));
    }
    if (at - this.drawnAt > REDRAW_MS && this.grown) this.drawPlots();
  }

  makeAlarm() {
    const item = make(
      "li",
      { class: "alarm" },
      make("span", { class: "stripe" }, make("span", { class: "mark" }), make("span", { class: "title" }), make("span", { class: "duration" })),
      make("span", { class: "numbers" }),
      make("span", { class: "reason" }),
      make("span", { class: "asked" }),
      make("span", { class: "ways" }),
      make("span", { class: "alarm-acts" }),
    );
    for (const [act, text] of [["acknowledge", "Acknowledge"], ["accept", "Accept"], ["reject", "Reject"]]) {
      item.lastElementChild.append(make("button", { type: "button", "data-kind": act, onclick: () => this.act(act, item.dataset.key) }, text));
    }
    return item;
  }

  act(kind, episode) {
    const { bed } = this;
    const alarm = bed.alarms.find((each) => each.episode === episode);
    if (!alarm) return;
    if (kind === "acknowledge") askAcknowledge(this.site, bed, episode);
    else this.site.commands.send(kind, bed.patient, { episode }, `${alarmTitle(alarm)}, ${bedName(bed)}`);
  }

  showAlarm(item, alarm, bed) {
    const isTechnical = alarm.type === "technical";
    setAttribute(item, "data-priority", alarm.priority);
    setAttribute(item, "data-state", alarm.state);
    setText(item.querySelector(".mark"), isTechnical ? `${MARKS.technical.shape} ${MARKS[alarm.priority].stars}` : priorityMark(alarm.priority));
    setText(item.querySelector(".title"), `${alarmTitle(alarm)}${isTechnical ? " (technical)" : ""}`);
    setText(item.querySelector(".numbers"), [alarmValue(alarm), alarmLimit(alarm)].filter(Boolean).join(", "));
    setText(item.querySelector(".reason"), alarm.reason ?? "");
    setText(item.querySelector(".asked"), askedText(alarm));
    const ways = (alarm.deliveries ?? []).map(({ recipient, channel, milestone, at_ts_ms: at }) => `${recipient} by ${channel}: ${milestone} ${clockText(at, true)}`);
    setText(item.querySelector(".ways"), ways.join(" · "));
    const { person } = this.site;
    const may = person ? person.may("acknowledge", bed.ward) : true;
    for (const button of item.querySelectorAll("button")) {
      const isAnswer = button.dataset.kind !== "acknowledge";
      button.hidden = isAnswer ? alarm.asked?.status !== "requested" : alarm.state === "acknowledged";
      button.disabled = !may;
      setAttribute(button, "title", may ? null : `Your role may not ${button.dataset.kind} in this ward`);
    }
  }

  /** Take what is newer than the plots; they are drawn again later. */
  collect(bed) {
    const nowTsMs = serverNow(this.site.model, this.site.now());
    if (nowTsMs === null || this.late === null) return;
    for (const [name, { value, ts_ms: ts }] of Object.entries(bed.values)) {
      const points = this.trend[name] ?? [];
      if (points.length && points.at(-1)[0] >= ts) continue;
      this.trend[name] = extended(points, [[ts, value]], nowTsMs - 24 * HOUR_MS, POINTS_MAX);
      this.grown = true;
    }
  }

  limitLines() {
    const lines = [];
    for (const [rule, pair] of Object.entries(this.limits ?? {})) {
      const signal = SIGNALS.find(({ name }) => [`${name}-high`, `${name}-low`].map((each) => each.replace("_", "-")).includes(rule));
      for (const side of ["low", "high"]) {
        const value = pair[side];
        if (signal && value !== null && value !== undefined) lines.push({ signal: signal.name, value, label: `${signal.label} ${side} ${value}` });
      }
    }
    return lines;
  }

  drawPlots() {
    const untilTsMs = serverNow(this.site.model, this.site.now());
    if (untilTsMs === null || this.closed) return;
    this.drawnAt = this.site.now();
    this.grown = false;
    const scale = parseFloat(getComputedStyle(document.documentElement).fontSize) / PLOT_TYPE_PX;
    const width = Math.max(280, Math.floor((this.plots.clientWidth || 600) / scale));
    const options = { limits: this.limitLines(), alarms: this.bed?.alarms ?? [], fromTsMs: untilTsMs - this.spanH * HOUR_MS, untilTsMs, width, windows: this.windows };
    const figures = PLOTS.map(([title, signals]) => drawPlot(title, signals, this.trend, options)).filter(Boolean);
    const none = make("p", { class: "note" }, this.late === null ? "Waiting for the history …" : "No reading in this time.");
    this.plots.replaceChildren(...(figures.length ? figures : [none]));
    for (const button of this.spans.children) setAttribute(button, "aria-pressed", String(Number(button.dataset.hours) === this.spanH));
  }

  drawTables() {
    const { bed, site } = this;
    const may = !site.person || !bed || site.person.may("limits", bed.ward);
    const cell = (text) => make("td", {}, text ?? "–");
    this.limitRows.replaceChildren(
      ...Object.entries(this.limits ?? {}).map(([rule, pair]) =>
        make(
          "tr",
          { "data-wider": Boolean(pair.wider), "data-own": Boolean(pair.own) },
          make("th", { scope: "row" }, alarmTitle({ rule })),
          cell(pair.low),
          cell(pair.high),
          make("td", {}, pair.wider ? "wider " : pair.own ? "own " : "", make("button", { type: "button", disabled: !may, "aria-label": `Change limits of ${alarmTitle({ rule })}`, onclick: () => askLimits(site, this.bed, rule, pair) }, "Change …")),
        ),
      ),
    );
    this.orderRows.replaceChildren(
      ...this.orders.slice(0, COMMANDS_SHOWN).map((order) =>
        make(
          "tr",
          {},
          make("td", {}, clockText(order.at_ts_ms ?? order.issued_ts_ms, true)),
          cell(order.actor),
          make("td", {}, [order.kind, order.mode, order.rule, order.reason].filter(Boolean).join(" · ")),
          make("td", {}, [order.outcome ?? "not answered yet", order.answer].filter(Boolean).join(": ")),
        ),
      ),
    );
  }

  /** Walk through the alarms' buttons. */
  walk(key) {
    const buttons = [...this.root.querySelectorAll("button:not([hidden]):not([disabled])")];
    const here = buttons.indexOf(document.activeElement);
    const next = key === "next" || key === "down" ? here + 1 : here - 1;
    buttons[Math.min(Math.max(next, 0), buttons.length - 1)]?.focus();
  }

  close() {
    this.closed = true;
    clearTimeout(this.again);
    this.resize.disconnect();
  }
}
