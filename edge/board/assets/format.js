// Texts from numbers: durations, ages, alarms and limits. Pure.

import { SIGNAL, SIGNALS, valueText } from "./signals.js";

const two = (number) => String(number).padStart(2, "0");

/** 0:42, 12:05, 1:02:05: how long something has been going on. */
export function durationText(ms) {
  const total = Math.max(0, Math.floor(ms / 1000));
  const hours = Math.floor(total / 3600);
  const minutes = Math.floor(total / 60) % 60;
  return hours ? `${hours}:${two(minutes)}:${two(total % 60)}` : `${minutes}:${two(total % 60)}`;
}

/** 8 s, 4 min, 2 h, 3 d: how old something is. */
export function ageText(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 48 * 3600) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86400)} d`;
}

/** 14:05 or 14:05:09 of the place where the page is read. */
export function clockText(tsMs, withSeconds = false) {
  const at = new Date(tsMs);
  const text = `${two(at.getHours())}:${two(at.getMinutes())}`;
  return withSeconds ? `${text}:${two(at.getSeconds())}` : text;
}

/** "SpO₂ extreme low" of the rule `spo2-extreme-low`; other rules are their words. */
export function alarmTitle(alarm) {
  const rule = alarm.rule;
  if (rule === "news2") return "NEWS2";
  for (const signal of SIGNALS) {
    const stem = signal.name.replace("_", "-");
    if (rule.startsWith(`${stem}-`)) return `${signal.label} ${rule.slice(stem.length + 1).replaceAll("-", " ")}`;
  }
  const words = rule.replaceAll("-", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

const UCUM = { "/min": "bpm", "mm[Hg]": "mmHg", Cel: "°C", "{score}": "", 1: "" };

/** The unit as people write it. */
export const unitText = (unit) => (unit ? (UCUM[unit] ?? unit) : "");

const number = (value, signal) =>
  signal && SIGNAL.has(signal) ? valueText(signal, value) : String(Math.round(value * 10) / 10);

/** "81 %", "<80 %" of a bound in place of a value, or nothing where the alarm is about no value. */
export function alarmValue(alarm) {
  if (alarm.value === null || alarm.value === undefined) return alarm.bound ? `${alarm.bound} ${unitText(alarm.unit)}`.trim() : "";
  return `${number(alarm.value, alarm.signal)} ${unitText(alarm.unit)}`.trim();
}

/** "limit 90": the one that the value violates, or both. */
export function alarmLimit(alarm) {
  const { value, low, high, signal } = alarm;
  const has = (limit) => limit !== null && limit !== undefined;
  if (has(low) && has(value) && value < low) return `below ${number(low, signal)}`;
  if (has(high) && has(value) && value > high) return `above ${number(high, signal)}`;
  if (has(low) && has(high)) return `limits ${number(low, signal)}–${number(high, signal)}`;
  if (has(low)) return `limit ${number(low, signal)}`;
  return has(high) ? `limit ${number(high, signal)}` : "";
}

/** Who is asked and what came of it, who knows of it, in a few words. */
export function askedText(alarm) {
  if (alarm.state === "acknowledged") return `✓ known${alarm.acknowledged_by ? ` to ${alarm.acknowledged_by}` : ""}`;
  const over = alarm.state === "latched" ? "over, not acknowledged" : "";
  if (!alarm.asked) return over;
  const { to, status, step } = alarm.asked;
  const asked = `${to}: ${status}${step > 1 ? ` (step ${step})` : ""}`;
  return over ? `${over} · ${asked}` : asked;
}

const PAUSES = {
  "audio-paused": "sound paused",
  "audio-off": "sound off",
  "alarm-paused": "alarms paused",
  "alarm-off": "alarms off",
};

/** "alarms paused 1:32", with the time that remains. */
export function pauseText(pause, nowTsMs) {
  if (!pause) return "";
  const what = PAUSES[pause.mode] ?? pause.mode;
  return pause.until_ts_ms === null ? what : `${what} ${durationText(pause.until_ts_ms - nowTsMs)}`;
}

/** "7", or "≥ 5" while inputs are missing: a score that lacks some can only be higher. */
export function scoreText(score) {
  if (!score || score.total === null || score.total === undefined) return "–";
  return score.missing?.length ? `≥${score.total}` : String(score.total);
}

/** Which inputs a score lacks or takes from old readings. */
export function scoreLacks(score) {
  if (!score) return "not scored";
  const names = (list) => list.map((name) => SIGNAL.get(name)?.label ?? name).join(", ");
  const parts = [];
  if (score.missing?.length) parts.push(`without ${names(score.missing)}`);
  if (score.old?.length) parts.push(`old ${names(score.old)}`);
  return parts.join(" · ");
}

const STANDS_FOR = [["~ward/", "Ward"], ["~partition/", "Partition"], ["~device/", "Device"], ["~adt/", "Admission feed"], ["~spool/", "Spool"]];

/** What a bed is called: its label, else the patient's stream id, or what an alarm of no patient is about. */
export function bedName(bed) {
  if (bed.bed) return bed.bed;
  for (const [prefix, word] of STANDS_FOR) {
    if (bed.patient.startsWith(prefix)) return `${word} ${bed.patient.slice(prefix.length)}`;
  }
  return bed.patient;
}

/** Whether alarms of a patient are paused here at all: those of a device or a ward are not. */
export const isPatient = (patient) => !patient.startsWith("~");

const collator = new Intl.Collator("en", { numeric: true });

/** Order of names as people number them: bed 2 before bed 10. */
export const byName = (one, other) => collator.compare(one, other);
