// Questions to the person: acknowledge, pause, limits, help. Each says whom it is about before anything is sent.

import { make } from "./dom.js";
import { alarmLimit, alarmTitle, alarmValue, bedName, isPatient } from "./format.js";
import { alarmsInOrder } from "./model.js";
import { priorityMark } from "./tile.js";

/** Show a dialog and return what closed it: its form's data, or null. */
export function ask(title, content, confirmText) {
  const form = make(
    "form",
    { method: "dialog" },
    make("h2", { id: "dialog-title" }, title),
    ...content,
    make(
      "p",
      { class: "buttons" },
      make("button", { type: "button", class: "quiet", value: "cancel", onclick: () => dialog.close("cancel") }, confirmText ? "Cancel" : "Close"),
      confirmText ? make("button", { value: "yes", class: "primary" }, confirmText) : null,
    ),
  );
  const dialog = make("dialog", { "aria-labelledby": "dialog-title" }, form);
  document.body.append(dialog);
  const before = document.activeElement;
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      const data = dialog.returnValue === "yes" ? new FormData(form) : null;
      dialog.remove();
      if (before?.isConnected) before.focus();
      resolve(data);
    });
    dialog.showModal();
    (form.querySelector("[autofocus]") ?? form.querySelector(".primary"))?.focus();
  });
}

export const field = (label, input) => make("label", { class: "field" }, make("span", {}, label), input);

function alarmChoice(alarm, isOnly, isFirst) {
  const words = `${priorityMark(alarm.priority)} ${alarmTitle(alarm)} ${alarmValue(alarm)} ${alarmLimit(alarm)}`;
  const box = make("input", { type: "checkbox", name: "episode", value: alarm.episode, checked: true, autofocus: isFirst && !isOnly });
  return make("label", { class: "choice", "data-priority": alarm.priority }, box, make("span", {}, words));
}

/** Ask which of a bed's alarms are acknowledged; `only` is one episode. */
export async function askAcknowledge(site, bed, only = null) {
  const open = alarmsInOrder(bed).filter((alarm) => alarm.state !== "acknowledged" && (!only || alarm.episode === only));
  if (!open.length) {
    site.say(`${bedName(bed)}: nothing to acknowledge.`);
    return;
  }
  const content = open.map((alarm, index) => alarmChoice(alarm, open.length === 1, index === 0));
  const data = await ask(`Acknowledge at ${bedName(bed)}?`, content, "Acknowledge");
  if (!data) return;
  for (const episode of data.getAll("episode")) {
    const alarm = open.find((each) => each.episode === episode);
    site.commands.send("acknowledge", bed.patient, { episode }, `${alarmTitle(alarm)}, ${bedName(bed)}`);
  }
}

const PAUSE_MODES = [
  ["audio-paused", "Sound only, for the time below"],
  ["alarm-paused", "Alarms, for the time below"],
  ["audio-off", "Sound off, until the rules end it (needs a reason)"],
  ["alarm-off", "Alarms off, until the rules end it (needs a reason)"],
];

/** Ask for a pause; what starts at high priority breaks through each of them. */
export async function askPause(site, bed) {
  if (!isPatient(bed.patient)) return;
  const mode = make("select", { name: "mode" }, ...PAUSE_MODES.map(([value, text]) => make("option", { value }, text)));
  const seconds = make(
    "select",
    { name: "seconds" },
    ...[60, 120, 180, 300, 600].map((value) => make("option", { value, selected: value === 120 }, `${value / 60} min`)),
  );
  const reason = make("input", { name: "reason", maxlength: 500, autocomplete: "off" });
  mode.addEventListener("change", () => {
    const isOff = mode.value.endsWith("off");
    reason.required = isOff;
    seconds.disabled = isOff;
  });
  const note = make("p", { class: "note" }, "New alarms of high priority break through.");
  const data = await ask(`Pause alarms of ${bedName(bed)}?`, [field("What", mode), field("How long", seconds), field("Reason", reason), note], "Pause");
  if (!data) return;
  const said = { mode: data.get("mode"), reason: data.get("reason") };
  if (data.has("seconds")) said.seconds = Number(data.get("seconds"));
  site.commands.send("pause", bed.patient, said, bedName(bed));
}

/** Ask for limits of one rule; both empty brings back the rule's own. */
export async function askLimits(site, bed, rule, pair) {
  const input = (name, value) => make("input", { name, type: "number", step: "any", value: value ?? null, autocomplete: "off" });
  const unit = `unit's own: ${pair.unit_low ?? pair.low ?? "–"} to ${pair.unit_high ?? pair.high ?? "–"}`;
  const content = [
    make("p", { class: "note" }, unit),
    field("Low", input("low", pair.low)),
    field("High", input("high", pair.high)),
    field("Reason", make("input", { name: "reason", maxlength: 500, autocomplete: "off" })),
    make("p", { class: "note" }, "Both empty brings back the unit's own."),
  ];
  const data = await ask(`Limits of ${alarmTitle({ rule })}, ${bedName(bed)}`, content, "Set limits");
  if (!data) return;
  const number = (name) => (data.get(name) === "" ? null : Number(data.get(name)));
  const said = { rule, low: number("low"), high: number("high"), reason: data.get("reason") };
  site.commands.send("set-limits", bed.patient, said, `${alarmTitle({ rule })}, ${bedName(bed)}`);
}

export const KEYS = Object.freeze([
  ["j, →", "next bed or alarm"],
  ["k, ←", "previous bed or alarm"],
  ["↑ ↓", "bed above, bed below"],
  ["Enter", "open the bed"],
  ["a", "acknowledge (asks first)"],
  ["p", "pause (asks first)"],
  ["/", "search a bed"],
  ["Esc", "back to the ward"],
  ["?", "this list"],
]);

/** Show the keys, and let them be switched off: somebody who speaks to the machine does not want them. */
export function showKeys(keys) {
  const rows = KEYS.map(([key, what]) => make("tr", {}, make("th", { scope: "row" }, make("kbd", {}, key)), make("td", {}, what)));
  const box = make("input", { type: "checkbox", checked: keys.on, onchange: () => keys.set(box.checked) });
  const table = make("table", { class: "keys" }, make("tbody", {}, ...rows));
  return ask("Keys", [table, make("label", { class: "choice" }, box, make("span", {}, "Single keys are on"))], null);
}
