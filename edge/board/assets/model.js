// What the page knows of the wards, and how each event of the stream changes it. No clock, no DOM, no network.

import { bedName, byName } from "./format.js";

export const SEVERITIES = Object.freeze(["high", "medium", "low", "technical", "none"]);
export const PRIORITIES = Object.freeze(["high", "medium", "low"]);
const RANK = new Map(SEVERITIES.map((severity, rank) => [severity, rank]));
const ALL = "all";

/** A page that has heard nothing. Times `At` are the page's own, ms; times `TsMs` the server's. */
export function emptyModel() {
  return {
    position: null,
    nowTsMs: null,
    heardAt: null,
    beds: new Map(),
    names: new Map(),
    partitions: new Map(),
    wardClocks: new Map(),
  };
}

const nameOf = (ward) => (typeof ward === "string" ? [ward, ward] : [ward.ward ?? ward.id, ward.name ?? ward.ward ?? ward.id]);

/** Keep since when a clock has not moved: a judged-until that stays the same is the sign that nobody judges. */
function move(clocks, said, at) {
  for (const key of clocks.keys()) if (!(key in said)) clocks.delete(key);
  for (const [key, judgedTsMs] of Object.entries(said)) {
    const known = clocks.get(key);
    if (!known) clocks.set(key, { judgedTsMs, movedAt: at });
    else if (known.judgedTsMs !== judgedTsMs) Object.assign(known, { judgedTsMs, movedAt: at });
  }
}

/**
 * Change the model by one event and return which beds look different: a Set of patients, or "all".
 * An unknown kind changes nothing but the time of the last word.
 */
export function apply(model, kind, data, at) {
  model.heardAt = at;
  if (typeof data.now_ts_ms === "number") Object.assign(model, { nowTsMs: data.now_ts_ms, toldAt: at });
  if (data.position !== undefined) model.position = data.position;
  switch (kind) {
    case "snapshot":
      model.names = new Map((data.wards ?? []).map(nameOf));
      model.beds = new Map(data.beds.map((bed) => [bed.patient, bed]));
      return ALL;
    case "beds":
      for (const bed of data.beds) model.beds.set(bed.patient, bed);
      return new Set(data.beds.map((bed) => bed.patient));
    case "gone": {
      const patients = data.gone ?? [];
      for (const patient of patients) model.beds.delete(patient);
      return new Set(patients);
    }
    case "wards":
      model.names = new Map(data.wards.map(nameOf));
      return ALL;
    case "clock":
      move(model.partitions, data.partitions ?? {}, at);
      move(model.wardClocks, data.wards ?? {}, at);
      return new Set();
    default:
      return new Set();
  }
}

/** The same as a snapshot, for a tab that joins. */
export function snapshotOf(model) {
  return {
    position: model.position,
    now_ts_ms: model.nowTsMs,
    wards: [...model.names].map(([ward, name]) => ({ ward, name })),
    beds: [...model.beds.values()],
  };
}

/** The server's time now, by the page's own clock since the last word: it goes on without the server. */
export function serverNow(model, at) {
  return model.nowTsMs === null ? null : model.nowTsMs + Math.max(0, at - model.toldAt);
}

/** Whether a pause takes this alarm's sound and flash: what the alarm says, else never of high priority. */
export function covered(alarm, pause, channel) {
  if (!pause) return false;
  const kind = pause.mode.startsWith("alarm") ? ["alarm", "audio"] : ["audio"];
  if (!kind.includes(channel)) return false;
  if (alarm.inactivation) return /paused|off/.test(alarm.inactivation);
  return alarm.priority !== "high";
}

/** The most urgent priority of a bed's alarms that nobody knows of, or null. `channel` is "audio" or "alarm" (light). */
export function unknownPriority(bed, channel) {
  const open = bed.alarms.filter((alarm) => alarm.state !== "acknowledged" && !covered(alarm, bed.pause, channel));
  return PRIORITIES.find((priority) => open.some((alarm) => alarm.priority === priority)) ?? null;
}

/** A bed's alarms, the most urgent and then the newest first. */
export function alarmsInOrder(bed) {
  const rank = (alarm) =>
    (alarm.type === "technical" ? 6 : 0) + PRIORITIES.indexOf(alarm.priority) * 2 + (alarm.state === "acknowledged");
  return [...bed.alarms].sort(
    (one, other) => rank(one) - rank(other) || other.onset_ts_ms - one.onset_ts_ms || byName(one.episode, other.episode),
  );
}

const rankOf = (bed) => (RANK.get(bed.severity) ?? RANK.size) * 2 + (unknownPriority(bed, "none") ? 0 : 1);

/** Beds as they stand on the wall: by severity, those that somebody knows of later, then by name. */
export function bedsInOrder(beds) {
  return [...beds].sort(
    (one, other) => rankOf(one) - rankOf(other) || byName(bedName(one), bedName(other)) || byName(one.patient, other.patient),
  );
}

/** Wards with their beds, the ward of the most severe bed first: [{ward, name, beds}]. */
export function wardsInOrder(model, chosen = null, search = "") {
  const wanted = search.trim().toLowerCase();
  const byWard = new Map();
  for (const bed of model.beds.values()) {
    if (chosen && !chosen.includes(bed.ward)) continue;
    if (wanted && !`${bedName(bed)} ${bed.patient}`.toLowerCase().includes(wanted)) continue;
    if (!byWard.has(bed.ward)) byWard.set(bed.ward, []);
    byWard.get(bed.ward).push(bed);
  }
  const wards = [...byWard].map(([ward, beds]) => ({
    ward,
    name: model.names.get(ward) || ward || "No ward",
    beds: bedsInOrder(beds),
  }));
  const worst = ({ beds }) => RANK.get(beds[0].severity) ?? RANK.size;
  return wards.sort((one, other) => worst(one) - worst(other) || byName(one.name, other.name) || byName(one.ward, other.ward));
}

/** How many beds are of each severity. */
export function countsOf(beds) {
  const counts = Object.fromEntries(SEVERITIES.map((severity) => [severity, 0]));
  for (const bed of beds) counts[RANK.has(bed.severity) ? bed.severity : "none"] += 1;
  return counts;
}
