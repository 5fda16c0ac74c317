// The pages' pure modules: the model in any order of events, honest silence, trends, texts, sounds, commands.
// Run by test_board_modules.py: node --test.

import assert from "node:assert/strict";
import { test } from "node:test";

const assets = new URL("../../../edge/board/assets/", import.meta.url);
const load = (name) => import(new URL(name, assets));

const { apply, bedsInOrder, countsOf, emptyModel, serverNow, snapshotOf, unknownPriority, wardsInOrder } = await load("model.js");
const { OFFLINE_SILENT_MS, SERVER_SILENT_MS, STANDING_MS, isSilent, pageClock, silences } = await load("silence.js");
const { extended, inWords, niceStep, rangeOf, shapesOf, thinned } = await load("trend.js");
const { SIGNAL, SIGNALS, freshnessOf, valueText } = await load("signals.js");
const { ageText, alarmLimit, alarmTitle, alarmValue, askedText, bedName, durationText, pauseText, scoreLacks, scoreText } = await load("format.js");
const { BURSTS, HARMONICS, PITCH_HZ, pulses } = await load("sound.js");
const { Commands, QUEUE_MAX, STALE_MS, outcomeOf } = await load("commands.js");
const { waitMs, REOPEN_MS } = await load("connection.js");
const { may } = await load("person.js");
const { answerText, localText, shiftText } = await load("rota.js");
const { outcomeText } = await load("trial.js");

function chance(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

const pick = (random, list) => list[Math.floor(random() * list.length)];

const alarm = (said) => ({ episode: "e1", rule: "hr-high", priority: "medium", type: "physiological", state: "active", onset_ts_ms: 0, ...said });

const bed = (patient, said = {}) => ({
  patient, ward: "W", bed: null, partition: 0, severity: "none", pause: null, limits_widened: [], values: {}, scores: {}, alarms: [], ...said,
});

const heard = (partitions = { 0: 1000 }, at = 0) => {
  const model = emptyModel();
  apply(model, "snapshot", { position: "0", now_ts_ms: 1000, wards: [{ ward: "W", name: "West" }], beds: [bed("a"), bed("b", { partition: 1 })] }, at);
  apply(model, "clock", { now_ts_ms: 1000, partitions, wards: {} }, at);
  return model;
};

const LINK = { online: true, signedOut: false, slept: false, since: 0 };

test("the model after any events, cuts and fresh snapshots is what the last word of each bed says", () => {
  for (let seed = 1; seed <= 200; seed += 1) {
    const random = chance(seed);
    const truth = new Map();
    const model = emptyModel();
    const whole = () => ({ position: "p", now_ts_ms: 5, wards: [], beds: [...truth.values()] });
    apply(model, "snapshot", whole(), 0);
    for (let step = 0; step < 60; step += 1) {
      const patient = pick(random, ["a", "b", "c", "d"]);
      if (random() < 0.2) {
        truth.delete(patient);
        apply(model, "gone", { position: "p", gone: [patient] }, step);
      } else if (random() < 0.1) apply(model, "snapshot", whole(), step);
      else if (random() < 0.1) apply(model, "snapshot", structuredClone(snapshotOf(model)), step); // a tab joins
      else {
        const changed = bed(patient, { severity: pick(random, ["none", "high", "low"]), step });
        truth.set(patient, changed);
        apply(model, "beds", { position: "p", beds: [changed] }, step);
        if (random() < 0.3) apply(model, "beds", { position: "p", beds: [changed] }, step); // said twice
      }
    }
    assert.deepEqual(new Map([...model.beds].sort()), new Map([...truth].sort()), `seed ${seed}`);
  }
});

test("beds stand in one order whatever order they came in, the most severe first", () => {
  const all = [];
  for (const severity of ["none", "technical", "low", "medium", "high"]) {
    for (const name of ["10", "9", "2"]) {
      const alarms = severity === "none" ? [] : [alarm({ episode: name, priority: severity === "technical" ? "low" : severity })];
      all.push(bed(`${severity}-${name}`, { severity, bed: name, alarms }));
    }
  }
  const wanted = bedsInOrder(all).map(({ patient }) => patient);
  assert.deepEqual(wanted.slice(0, 4), ["high-2", "high-9", "high-10", "medium-2"]);
  for (let seed = 1; seed <= 50; seed += 1) {
    const random = chance(seed);
    const shuffled = all.map((each) => [random(), each]).sort(([one], [other]) => one - other).map(([, each]) => each);
    assert.deepEqual(bedsInOrder(shuffled).map(({ patient }) => patient), wanted);
  }
});

test("a bed that somebody knows of stands behind one that nobody knows of", () => {
  const known = bed("a", { severity: "high", alarms: [alarm({ priority: "high", state: "acknowledged" })] });
  const unknown = bed("z", { severity: "high", alarms: [alarm({ priority: "high" })] });
  assert.deepEqual(bedsInOrder([known, unknown]).map(({ patient }) => patient), ["z", "a"]);
});

test("wards stand by their worst bed, and can be chosen and searched", () => {
  const model = emptyModel();
  const beds = [bed("a", { ward: "A" }), bed("b", { ward: "B", severity: "high", bed: "12" }), bed("c", { ward: "B" })];
  apply(model, "snapshot", { now_ts_ms: 1, wards: [], beds }, 0);
  assert.deepEqual(wardsInOrder(model).map(({ ward }) => ward), ["B", "A"]);
  assert.deepEqual(wardsInOrder(model, ["A"]).map(({ ward }) => ward), ["A"]);
  assert.deepEqual(wardsInOrder(model, null, "12").flatMap(({ beds: found }) => found.map(({ patient }) => patient)), ["b"]);
  assert.equal(countsOf(model.beds.values()).high, 1);
});

test("what is acknowledged neither sounds nor flashes, a latched alarm does until it is", () => {
  assert.equal(unknownPriority(bed("a", { alarms: [alarm({ state: "acknowledged", priority: "high" })] }), "audio"), null);
  assert.equal(unknownPriority(bed("a", { alarms: [alarm({ state: "latched", priority: "high" })] }), "audio"), "high");
});

test("a pause of the sound leaves the light, and high priority breaks through unless the alarm says it is covered", () => {
  const pause = { mode: "audio-paused", until_ts_ms: 9 };
  const medium = bed("a", { pause, alarms: [alarm({})] });
  assert.deepEqual([unknownPriority(medium, "audio"), unknownPriority(medium, "alarm")], [null, "medium"]);
  const high = bed("a", { pause, alarms: [alarm({ priority: "high" })] });
  assert.equal(unknownPriority(high, "audio"), "high");
  const covered = bed("a", { pause, alarms: [alarm({ priority: "high", inactivation: "audio-paused" })] });
  assert.equal(unknownPriority(covered, "audio"), null);
  const all = bed("a", { pause: { mode: "alarm-off", until_ts_ms: null }, alarms: [alarm({})] });
  assert.deepEqual([unknownPriority(all, "audio"), unknownPriority(all, "alarm")], [null, null]);
});

test("the server's time goes on by the page's own clock", () => {
  assert.equal(serverNow(heard(), 7_000), 8_000);
});

test("a server that says nothing is told of within 5 s, and before that nothing is", () => {
  assert.ok(SERVER_SILENT_MS < 5_000);
  const model = heard();
  assert.deepEqual(silences(model, LINK, SERVER_SILENT_MS - 1), []);
  assert.deepEqual(silences(model, LINK, SERVER_SILENT_MS).map(({ kind }) => kind), ["server"]);
  assert.deepEqual(silences(emptyModel(), LINK, SERVER_SILENT_MS).map(({ kind }) => kind), ["server"]);
});

test("a partition that stands still is named within 5 s while the others go on, and only its beds are silent", () => {
  const model = heard({ 0: 1000, 1: 1000 });
  let found = [];
  let at = 0;
  while (!found.length && at < 10_000) {
    at += 250;
    if (at % 1000 === 0) apply(model, "clock", { now_ts_ms: 1000 + at, partitions: { 0: 1000 + at, 1: 1000 }, wards: { W: 1000 } }, at);
    found = silences(model, LINK, at);
  }
  assert.ok(at <= 5_000 && at >= STANDING_MS, String(at));
  assert.deepEqual(found.map(({ kind, partition }) => [kind, partition]), [["partition", 1]]);
  assert.match(found[0].text, /Partition 1 .* 1 bed\b/);
  assert.deepEqual([isSilent(model.beds.get("a"), found), isSilent(model.beds.get("b"), found)], [false, true]);
});

test("a ward that no standing partition explains is named by itself", () => {
  const model = heard({ 0: 1000 });
  for (let at = 1000; at <= 5000; at += 1000) apply(model, "clock", { now_ts_ms: at, partitions: { 0: at }, wards: { W: 1000 } }, at);
  apply(model, "clock", { now_ts_ms: 6000, partitions: { 0: 6000 }, wards: { W: 1000 } }, 6000);
  assert.match(silences(model, LINK, 6000)[0].text, /Ward West/);
});

test("a partition that was never judged, or is judged far behind, is told of", () => {
  const model = heard({ 0: null });
  for (let at = 1000; at <= 5000; at += 1000) apply(model, "clock", { now_ts_ms: at, partitions: { 0: null }, wards: {} }, at);
  assert.match(silences(model, LINK, 5_000)[0].text, /nothing of it has been judged/);
  const behind = heard({ 0: 1 });
  apply(behind, "clock", { now_ts_ms: 60_000, partitions: { 0: 2 }, wards: {} }, 1000);
  assert.equal(silences(behind, LINK, 1001)[0].kind, "partition");
});

test("no network, sleep and the end of the session are told of at once", () => {
  const kinds = (link) => silences(heard(), { ...LINK, ...link }, OFFLINE_SILENT_MS).map(({ kind }) => kind);
  assert.deepEqual([kinds({ online: false }), kinds({ slept: true }), kinds({ signedOut: true })], [["network"], ["slept"], ["signed-out"]]);
});

test("a browser that says it has no network while events come is not believed", () => {
  assert.deepEqual(silences(heard(), { ...LINK, online: false }, OFFLINE_SILENT_MS - 1), []);
});

test("the page's clock counts the machine's sleep but not the jitter of two clocks", () => {
  let mono = 0;
  let wall = 1_000;
  const now = pageClock(() => mono, () => wall);
  for (let i = 0; i < 100; i += 1) {
    mono += 250;
    wall += 250 + (i % 2);
    now();
  }
  assert.equal(now(), 25_000);
  wall += 3_600_000;
  mono += 10;
  assert.ok(now() >= 3_600_000 + 25_000);
});

test("a gap is a gap, a null cuts, and a lone reading is a point", () => {
  const minute = 60_000;
  const points = [[0, 1], [minute, 2], [2 * minute, 3], [3 * minute, null], [4 * minute, 4], [5 * minute, 5], [60 * minute, 6]];
  const { lines, dots } = shapesOf(points);
  assert.deepEqual(lines.map((line) => line.length), [3, 2]);
  assert.deepEqual(dots, [[60 * minute, 6]]);
});

test("an hourly cuff pressure is as many points as there are readings", () => {
  const points = Array.from({ length: 24 }, (_, hour) => [hour * 3_600_000, 120]);
  assert.equal(shapesOf(points, false).dots.length, 24);
  assert.equal(shapesOf(points, true).dots.length, 24);
});

test("every reading is drawn or inside what is drawn: thinning keeps the extremes of each column", () => {
  for (let seed = 1; seed <= 20; seed += 1) {
    const random = chance(seed);
    const line = Array.from({ length: 5000 }, (_, i) => [i, Math.round(random() * 1000)]);
    const thin = thinned(line, 0, 5000, 300);
    assert.ok(thin.length <= 4 * 301);
    assert.deepEqual([thin[0], thin.at(-1)], [line[0], line.at(-1)]);
    const extreme = (points, best) => best(...points.map(([, value]) => value));
    assert.equal(extreme(thin, Math.min), extreme(line, Math.min));
    assert.equal(extreme(thin, Math.max), extreme(line, Math.max));
    assert.ok(thin.every(([ts], i) => !i || ts >= thin[i - 1][0]));
  }
});

test("later readings are added once and old ones dropped", () => {
  assert.deepEqual(extended([[1, 1], [5, 5]], [[5, 5], [6, 6]], 2, 10), [[5, 5], [6, 6]]);
  assert.equal(extended([[1, 1], [2, 2]], [[3, 3]], 0, 2).length, 2);
});

test("axes are round and hold values and near limits", () => {
  assert.equal(niceStep(100, 4), 50);
  const [low, high] = rangeOf([96, 97], [90, 20], 8);
  assert.ok(low < 90 && low > 20 && high > 97);
  assert.match(inWords("pulse", "bpm", [[0, 60], [1, null], [2, 80]], String), /last 80 bpm, from 60 to 80 bpm, 2 readings/);
});

test("a value is new, aged or old by its signal", () => {
  const hr = SIGNAL.get("hr");
  assert.deepEqual([0, 10_001, 60_001].map((age) => freshnessOf(hr, age)), ["new", "aged", "old"]);
  assert.deepEqual([0, 3_600_001].map((age) => freshnessOf(SIGNAL.get("temp"), age)), ["aged", "old"]);
  assert.deepEqual([valueText("temp", 37), valueText("consciousness", 2), valueText("on_oxygen", 0)], ["37.0", "V", "no"]);
});

test("texts say numbers as people do", () => {
  assert.deepEqual([durationText(42_000), durationText(3_725_000), ageText(59_999), ageText(7_200_000)], ["0:42", "1:02:05", "59 s", "2 h"]);
  assert.equal(alarmTitle({ rule: "spo2-low" }), "SpO₂ low");
  assert.equal(alarmTitle({ rule: "nbp-sys-extreme-low" }), "Cuff sys extreme low");
  assert.equal(alarmTitle({ rule: "silent-device" }), "Silent device");
  assert.equal(alarmLimit({ value: 85, low: 90, high: null, signal: "spo2" }), "below 90");
  assert.equal(alarmLimit({ value: null, low: null, high: null }), "");
  assert.deepEqual([{ value: 81, signal: "spo2", unit: "%" }, { value: null, bound: "<80", unit: "%" }, { value: null, bound: null }].map(alarmValue), ["81 %", "<80 %", ""]);
  assert.equal(askedText({ state: "acknowledged", acknowledged_by: "n" }), "✓ known to n");
  assert.equal(askedText({ state: "latched", asked: null }), "over, not acknowledged");
  assert.equal(pauseText({ mode: "alarm-paused", until_ts_ms: 92_000 }, 0), "alarms paused 1:32");
  assert.equal(scoreText({ total: 5, missing: ["resp"] }), "≥5");
  assert.equal(scoreLacks({ total: 5, missing: ["resp"], old: ["temp"] }), "without RR · old Temp");
  assert.deepEqual([bedName({ patient: "~ward/W", bed: null }), bedName({ patient: "p", bed: "7" })], ["Ward W", "7"]);
});

test("bursts have the pulses of IEC 60601-1-8: ten in two fives of three and two, three, two", () => {
  assert.deepEqual(["high", "medium", "low"].map((priority) => pulses(priority).length), [10, 3, 2]);
  const gaps = pulses("high").slice(1).map(([from], i) => from - pulses("high")[i][1]);
  const long = gaps.map((gap) => gap > 0.1);
  assert.deepEqual(long, [false, false, true, false, true, false, false, true, false]);
  assert.ok(Math.max(...gaps) === gaps[4]);
  for (const priority of Object.keys(BURSTS)) assert.ok(pulses(priority).at(-1)[1] < BURSTS[priority].everyS);
  assert.ok(PITCH_HZ >= 150 && PITCH_HZ <= 1000);
  const inBand = HARMONICS.slice(1).filter((_, i) => PITCH_HZ * (i + 2) >= 300 && PITCH_HZ * (i + 2) <= 4000);
  assert.ok(inBand.length >= 4 && inBand.every((amplitude) => 20 * Math.log10(amplitude) > -15));
});

test("waits before the stream is opened again grow to a bound", () => {
  const waits = Array.from({ length: 12 }, (_, failed) => waitMs(failed, 0));
  assert.equal(waits[0], REOPEN_MS[0]);
  assert.ok(waits.every((wait, i) => !i || wait >= waits[i - 1]));
  assert.ok(waitMs(99, 1) <= REOPEN_MS[1] * 1.5);
});

test("an answer is one of accepted, refused with a reason, and not answered yet", () => {
  assert.deepEqual(outcomeOf(200, { outcome: "accepted", reason: "done" }), { state: "accepted", reason: "done" });
  assert.deepEqual(outcomeOf(200, { outcome: "refused", reason: "no such alarm" }), { state: "refused", reason: "no such alarm" });
  assert.equal(outcomeOf(403, { detail: "a viewer may not" }).reason, "a viewer may not");
  for (const status of [504, 502, 429, 401]) assert.equal(outcomeOf(status, {}).state, "unanswered");
  assert.equal(outcomeOf(400, { detail: "no such kind" }).state, "refused");
});

test("the queue is bounded, survives a reload, and sends nothing by itself that is too old", () => {
  const stored = new Map();
  const storage = { getItem: (key) => stored.get(key) ?? null, setItem: (key, value) => stored.set(key, value) };
  const asked = [];
  globalThis.fetch = (_, { body }) => {
    asked.push(JSON.parse(body).id);
    return new Promise(() => {});
  };
  let clock = 0;
  const first = new Commands(() => {}, storage, () => clock);
  const { id } = first.send("acknowledge", "p", { episode: "e" }, "x");
  for (let i = 0; i < QUEUE_MAX + 5; i += 1) first.send("pause", "p", {}, "x");
  assert.equal(first.entries.length, QUEUE_MAX);
  stored.set("vigil.commands", JSON.stringify([first.entries[0], { ...first.entries[1], id }]));
  clock = STALE_MS + 1;
  const late = new Commands(() => {}, storage, () => clock);
  assert.ok(late.entries.every((entry) => entry.given && entry.state === "unanswered"));
  asked.length = 0;
  late.again(id);
  assert.equal(asked.length, 1);
  late.forget(id);
  assert.equal(late.entries.length, 1);
});

test("what a person may is by ward or everywhere", () => {
  assert.deepEqual([may({ W: ["view"] }, "view", "W"), may({ W: ["view"] }, "pause", "W"), may({ "*": ["pause"] }, "pause", "X"), may(null, "pause", "X")], [true, false, true, true]);
});

test("signals are listed for the comparison with clinical/vitals.py", () => {
  for (const { name, ageSMax, periodic } of SIGNALS) console.log(`signal ${name} ${ageSMax} ${periodic}`);
});

test("a shift names its days where they are not today's, and a moment reads back as the same minute", () => {
  const now = new Date(2026, 2, 1, 14, 5, 59).getTime();
  const at = (day, hour) => new Date(2026, 2, day, hour).getTime();
  assert.equal(shiftText(at(1, 7), at(1, 15), now), "07:00–15:00");
  assert.equal(shiftText(at(1, 22), at(2, 6), now), "22:00–03-02 06:00");
  assert.equal(new Date(localText(now)).getTime(), Math.floor(now / 60_000) * 60_000);
});

test("what was not answered is not said to be done or refused", () => {
  assert.deepEqual(answerText(200, { outcome: "accepted", reason: "so it is" }), { isDone: true, text: "Done: so it is." });
  assert.equal(answerText(200, { outcome: "refused", reason: "until: should be later" }).text, "Refused: until: should be later.");
  assert.match(answerText(504, { detail: "Kafka" }).text, /^No answer has come: look below/);
  assert.match(answerText(401, {}).text, /sign in/);
  assert.equal(answerText(500, {}).text, "Not done: the server answered 500.");
});

test("a difference is told in words, with how much later or earlier", () => {
  assert.equal(outcomeText({ outcome: "later", shift_s: 12.25, instead: [] }), "later by 12.3 s");
  assert.equal(outcomeText({ outcome: "earlier", shift_s: -240, instead: [] }), "earlier by 4 min");
  assert.equal(outcomeText({ outcome: "only-new", shift_s: 0, instead: ["spo2-low"] }), "only the new rules; the others told spo2-low then");
});

test("wards that are called otherwise keep their beds", () => {
  const model = emptyModel();
  apply(model, "snapshot", { position: "1", now_ts_ms: 1, wards: [{ ward: "a", name: "a" }], beds: [] }, 1);
  apply(model, "wards", { now_ts_ms: 2, wards: [{ ward: "a", name: "North" }] }, 2);
  assert.deepEqual([model.names.get("a"), model.position], ["North", "1"]);
});
