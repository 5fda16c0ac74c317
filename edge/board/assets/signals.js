// The vital signs as the page names them. Order, units and ages are those of clinical/vitals.py; a test compares.

const row = (name, label, title, unit, ageSMax, periodic, digits = 0) =>
  Object.freeze({ name, label, title, unit, ageSMax, periodic, digits });

export const SIGNALS = Object.freeze([
  row("hr", "HR", "heart rate (ECG)", "bpm", 60, true),
  row("pulse", "Pulse", "pulse rate", "bpm", 60, true),
  row("spo2", "SpO₂", "oxygen saturation", "%", 60, true),
  row("resp", "RR", "respiration rate", "bpm", 60, true),
  row("nbp_sys", "Cuff sys", "cuff systolic pressure", "mmHg", 3600, false),
  row("nbp_dia", "Cuff dia", "cuff diastolic pressure", "mmHg", 3600, false),
  row("nbp_mean", "Cuff mean", "cuff mean pressure", "mmHg", 3600, false),
  row("abp_sys", "Art sys", "arterial systolic pressure", "mmHg", 60, true),
  row("abp_dia", "Art dia", "arterial diastolic pressure", "mmHg", 60, true),
  row("abp_mean", "Art mean", "arterial mean pressure", "mmHg", 60, true),
  row("temp", "Temp", "body temperature", "°C", 3600, false, 1),
  row("etco2", "EtCO₂", "end-tidal CO2", "mmHg", 60, true),
  row("fio2", "FiO₂", "inspired oxygen fraction", "%", 3600, false),
  row("consciousness", "ACVPU", "consciousness (ACVPU)", "", 43200, false),
  row("on_oxygen", "O₂", "receives oxygen", "", 43200, false),
]);

export const SIGNAL = new Map(SIGNALS.map((signal) => [signal.name, signal]));

/** A periodic value is shown as new for so long: two of the slowest usual intervals, 5 s [M]. */
export const FRESH_MS = 10_000;

/** Tell how a value of some age is to be shown: "new", "aged" (still counts, age beside it) or "old". */
export function freshnessOf(signal, ageMs) {
  if (ageMs > signal.ageSMax * 1000) return "old";
  return signal.periodic && ageMs <= FRESH_MS ? "new" : "aged";
}

/** What a value says, without its unit. */
export function valueText(name, value) {
  if (value === null || value === undefined) return "–";
  if (name === "consciousness") return "ACVPU"[value] ?? "?";
  if (name === "on_oxygen") return value ? "yes" : "no";
  return Number(value).toFixed(SIGNAL.get(name)?.digits ?? (Number.isInteger(value) ? 0 : 1));
}

/** Values that belong on one line of a bed, as [label, names, unit]; the first that is there is shown. */
export const VITALS = Object.freeze([
  { label: "HR", of: [["hr"], ["pulse"]], unit: "bpm" },
  { label: "SpO₂", of: [["spo2"]], unit: "%" },
  { label: "RR", of: [["resp"]], unit: "bpm" },
  { label: "BP", of: [["abp_sys", "abp_dia"], ["nbp_sys", "nbp_dia"]], unit: "mmHg" },
  { label: "Temp", of: [["temp"]], unit: "°C" },
]);
