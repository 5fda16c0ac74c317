// Honest silence: what the page no longer knows, by its own clock. Pure.

import { serverNow } from "./model.js";
import { clockText, durationText } from "./format.js";

/** The server says the time each second; three of them missed and something is wrong [M]. A banner is due in 5 s. */
export const SERVER_SILENT_MS = 3_500;
/**
 * A worker's heartbeat comes every 2 s (agents/health/heartbeat.py) and is told with the next second: a judged-until moves every
 * 3 s at least. It stands when it has not moved for so long; or, where the clocks agree, for a little less and what it
 * says is so old. So a banner is due within 5 s of the last judgement [M].
 */
export const STANDING_MS = 4_000;
export const STANDING_OLD_MS = [3_200, 4_500];
/** A browser that says it has no network is believed when nothing comes either: a ward's own network may be all there is. */
export const OFFLINE_SILENT_MS = 1_500;
/** Judged so far behind is as good as standing, even if it moves [M]. */
export const BEHIND_MS = 15_000;
/** The page's timer goes every quarter of a second; so long without it and the page has slept [M]. */
export const SLEPT_MS = 3_000;

/**
 * A clock of the page that also counts the machine's sleep, which performance.now() leaves out on some systems.
 * `mono` and `wall` are functions that return ms.
 */
export function pageClock(mono, wall) {
  let lastMono = mono();
  let lastWall = wall();
  let now = 0;
  return () => {
    const passed = mono() - lastMono;
    const jumped = wall() - lastWall - passed;
    lastMono += passed;
    lastWall += passed + jumped;
    now += passed + (jumped > SLEPT_MS ? jumped : 0);
    return now;
  };
}

function standing(clocks, serverTsMs, now) {
  const found = [];
  for (const [key, { judgedTsMs, movedAt }] of clocks) {
    const stoodMs = now - movedAt;
    const oldMs = judgedTsMs === null ? 0 : serverTsMs - judgedTsMs;
    const isOld = stoodMs >= STANDING_OLD_MS[0] && oldMs >= STANDING_OLD_MS[1];
    if (stoodMs >= STANDING_MS || isOld || oldMs > BEHIND_MS) found.push({ key, judgedTsMs });
  }
  return found;
}

function until(judgedTsMs, serverTsMs) {
  if (judgedTsMs === null) return "nothing of it has been judged yet";
  return `last judged ${clockText(judgedTsMs, true)}, ${durationText(serverTsMs - judgedTsMs)} ago`;
}

const bedsText = (count) => (count === 1 ? "1 bed" : `${count} beds`);

/**
 * Return what is not known now, the worst first: [{key, kind, text, partition?, ward?}].
 * `link` is {online, signedOut, slept, since}: whether the machine has a network, the session is over, the page has
 * slept since its last word, and when it was opened (page's clock, as `now`).
 */
export function silences(model, link, now) {
  if (link.signedOut) {
    return [{ key: "signed-out", kind: "signed-out", text: "Signed out. What is shown stands still: sign in again." }];
  }
  const heardAt = model.heardAt ?? link.since;
  const silentMs = now - heardAt;
  const seen = model.nowTsMs === null ? "nothing has been shown yet" : `what is shown is of ${clockText(model.nowTsMs, true)}`;
  if (!link.online && silentMs >= OFFLINE_SILENT_MS) return [{ key: "network", kind: "network", text: `No network: ${seen}.` }];
  if (link.slept) return [{ key: "slept", kind: "slept", text: `This page was asleep: ${seen}. It is being renewed.` }];
  if (silentMs >= SERVER_SILENT_MS) {
    return [{ key: "server", kind: "server", text: `No word from the server for ${durationText(silentMs)}: ${seen}.` }];
  }
  const serverTsMs = serverNow(model, now);
  const partitions = standing(model.partitions, serverTsMs, now);
  const stood = new Set(partitions.map(({ key }) => key));
  const explained = new Set();
  for (const bed of model.beds.values()) if (stood.has(String(bed.partition))) explained.add(bed.ward);
  const wards = standing(model.wardClocks, serverTsMs, now).filter(({ key }) => !explained.has(key));
  const bedsOf = (key) => [...model.beds.values()].filter((bed) => String(bed.partition) === key).length;
  return [
    ...partitions.map(({ key, judgedTsMs }) => ({
      key: `partition-${key}`,
      kind: "partition",
      partition: Number(key),
      text: `Partition ${key} is not being judged (${until(judgedTsMs, serverTsMs)}): nobody watches ${bedsText(bedsOf(key))}.`,
    })),
    ...wards.map(({ key, judgedTsMs }) => ({
      key: `ward-${key}`,
      kind: "ward",
      ward: key,
      text: `Ward ${model.names.get(key) ?? key} is not being judged (${until(judgedTsMs, serverTsMs)}).`,
    })),
  ];
}

/** Whether anything that is shown of this bed may be out of date. */
export function isSilent(bed, found) {
  return found.some((silence) => {
    if (silence.kind === "partition") return silence.partition === bed.partition;
    return silence.kind !== "ward" || silence.ward === bed.ward;
  });
}
