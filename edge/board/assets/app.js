// The page as a whole: the feed, the clock, the banners, the sound and which of the pages is shown.

import { BedPage } from "./bed.js";
import { Commands } from "./commands.js";
import { batched, keyed, make, setAttribute, setText } from "./dom.js";
import { openFeed } from "./feed.js";
import { alarmTitle, alarmValue, bedName, clockText } from "./format.js";
import { Keys } from "./keys.js";
import { LoadPage } from "./load.js";
import { PRIORITIES, SEVERITIES, apply, countsOf, emptyModel, serverNow, unknownPriority } from "./model.js";
import { fetchPerson, showPerson } from "./person.js";
import { RotaPage } from "./rota.js";
import { SLEPT_MS, pageClock, silences } from "./silence.js";
import { Sounder } from "./sound.js";
import { MARKS } from "./tile.js";
import { TrialPage } from "./trial.js";
import { Wall } from "./wall.js";

/** How often the page looks whether it still knows anything; 5 s is the bound of a banner. */
const LOOK_MS = 250;
/** Silence of the system sounds like a medium alarm: nobody is told of anything meanwhile [M]. */
const SILENCE_SOUNDS = "medium";
/** After so long without a word the shared worker is taken for dead, and again each time as long [M]. */
const REVIVE_MS = 10_000;
/** This screen may be quiet for so long; a new alarm of high priority ends it at once [M]. */
const QUIET_MS_MAX = 60_000;
const SPOKEN_MAX = 3;

const $ = (id) => document.getElementById(id);
const now = pageClock(() => performance.now(), () => Date.now());
const chosen = new URLSearchParams(location.search).getAll("ward");

const site = {
  model: emptyModel(),
  now,
  silences: [],
  chosen: chosen.length ? chosen : null,
  search: "",
  person: null,
  page: null,
  say: (text) => setText($("said"), text),
  draw: batched(draw),
};

const link = { online: navigator.onLine, signedOut: false, slept: false, since: now() };
let lookedAt = now();
let revivedAt = now();
let tickedS = null;
let quietUntil = 0;
let known = null;

const sounder = new Sounder(() => drawSound());
site.commands = new Commands(() => drawQueue());
const feed = openFeed(hear, tell, chosen);
const keys = new Keys(site, { go, search: () => $("search").focus() });

function hear(kind, data, isCached) {
  const at = now();
  const before = { heardAt: site.model.heardAt, toldAt: site.model.toldAt };
  apply(site.model, kind, data, at);
  if (isCached) Object.assign(site.model, { heardAt: before.heardAt ?? link.since });
  else link.slept = false;
  if (kind !== "clock") {
    announce();
    site.draw();
  }
  look();
}

function tell(said) {
  link.signedOut = said.signedOut;
  look();
}

/** Say new alarms of high priority to a screen reader, a few at a time. */
function announce() {
  const found = new Map();
  for (const bed of site.model.beds.values()) {
    for (const alarm of bed.alarms) if (alarm.priority === "high" && alarm.state === "active") found.set(alarm.episode, [bed, alarm]);
  }
  const fresh = [...found].filter(([episode]) => !known?.has(episode)).map(([, each]) => each);
  if (fresh.length) quietUntil = 0;
  if (known && fresh.length) {
    const words = fresh.slice(0, SPOKEN_MAX).map(([bed, alarm]) => `${bedName(bed)}: ${alarmTitle(alarm)} ${alarmValue(alarm)}`);
    const more = fresh.length > SPOKEN_MAX ? `, and ${fresh.length - SPOKEN_MAX} more` : "";
    setText($("spoken"), `High priority. ${words.join("; ")}${more}`);
  }
  known = new Set(found.keys());
}

/** Look by the page's own clock what is still known; the one place where banners come and go. */
function look() {
  const at = now();
  if (at - lookedAt > SLEPT_MS && !document.hidden) {
    link.slept = true;
    feed.renew();
  }
  lookedAt = at;
  if (at - Math.max(site.model.heardAt ?? link.since, revivedAt) > REVIVE_MS) {
    revivedAt = at;
    feed.revive();
  }
  const found = silences(site.model, link, at);
  const changed = String(found.map(({ key }) => key)) !== String(site.silences.map(({ key }) => key));
  site.silences = found;
  drawBanners();
  sounder.want(soundOf(at));
  if (changed) site.draw();
  const second = Math.floor((serverNow(site.model, at) ?? at) / 1000);
  if (second === tickedS) return;
  tickedS = second;
  tick(at);
}

function soundOf(at) {
  const loud = new Set();
  for (const bed of shownBeds()) loud.add(unknownPriority(bed, "audio"));
  if (site.silences.length) loud.add(SILENCE_SOUNDS);
  const priority = PRIORITIES.find((each) => loud.has(each)) ?? null;
  return at < quietUntil ? null : priority;
}

function* shownBeds() {
  for (const bed of site.model.beds.values()) if (!site.chosen || site.chosen.includes(bed.ward)) yield bed;
}

function tick(at) {
  const nowTsMs = serverNow(site.model, at);
  if (nowTsMs !== null) setText($("clock"), clockText(nowTsMs, true));
  drawSound();
  if (!document.hidden) site.page.tick();
}

function drawBanners() {
  keyed(
    $("banners"),
    site.silences,
    ({ key }) => key,
    ({ kind }) => {
      const banner = make("p", { class: "banner" }, make("strong", {}, "Not live"), make("span", { class: "text" }));
      if (kind === "signed-out") banner.append(make("a", { href: `/sign-in?next=${encodeURIComponent(location.pathname + location.search)}` }, "Sign in"));
      return banner;
    },
    (banner, { text }) => setText(banner.querySelector(".text"), text),
  );
  // what a screen reader hears once is which silence began, not the seconds that it lasts
  setText($("silence-said"), site.silences.map(({ key }) => `Not live: ${key.replace("-", " ")}`).join(". "));
  setAttribute(document.body, "data-silent", site.silences.length > 0);
  setAttribute($("live"), "data-live", site.silences.length === 0 && site.model.nowTsMs !== null);
  setText($("live-text"), site.silences.length ? "not live" : site.model.nowTsMs === null ? "connecting" : "live");
}

function draw() {
  const counts = countsOf(shownBeds());
  keyed(
    $("counts"),
    SEVERITIES.filter((severity) => severity !== "none"),
    (severity) => severity,
    (severity) => make("span", { class: "count", "data-severity": severity }),
    (chip, severity) => {
      setText(chip, `${MARKS[severity].shape} ${counts[severity]} ${MARKS[severity].word}`);
      setAttribute(chip, "data-zero", counts[severity] === 0);
    },
  );
  document.title = `${counts.high ? `▲${counts.high} ` : ""}${site.page.title} – Vigil`;
  site.page.draw();
}

function drawSound() {
  const button = $("sound");
  const isQuiet = now() < quietUntil;
  const text = !sounder.isOn ? "Sound is off: tap to turn it on" : isQuiet ? "Quiet for a minute" : sounder.isOurs ? "Sound on" : "Sound in another tab";
  setText(button.querySelector(".text"), text);
  setAttribute(button, "data-on", sounder.isOn && !isQuiet);
  setAttribute(document.body, "data-sounding", sounder.isOn && sounder.isOurs && !isQuiet ? sounder.priority : null);
  $("sound-more").hidden = !sounder.isOn;
}

const STATES = { asking: "asked …", unanswered: "not answered yet", accepted: "done", refused: "refused" };

function drawQueue() {
  const { entries, open } = site.commands;
  $("queue").hidden = !entries.length;
  setText($("queue-title"), open.length ? `${open.length} not answered yet` : "Answered");
  keyed($("queue-list"), entries, ({ id }) => id, makeEntry, (item, entry) => {
    setAttribute(item, "data-state", entry.state);
    setText(item.querySelector(".what"), entry.what);
    setText(item.querySelector(".state"), STATES[entry.state]);
    setText(item.querySelector(".reason"), entry.reason);
    for (const button of item.querySelectorAll("button")) button.hidden = entry.state === "asking" || (button.dataset.act === "again" && entry.state !== "unanswered");
  });
}

function makeEntry({ id }) {
  return make(
    "li",
    {},
    make("span", { class: "what" }),
    make("span", { class: "state" }),
    make("span", { class: "reason" }),
    make("button", { type: "button", "data-act": "again", onclick: () => site.commands.again(id) }, "Ask again"),
    make("button", { type: "button", "data-act": "forget", onclick: () => site.commands.forget(id), "aria-label": "Remove from the list" }, "✕"),
  );
}

const PAGES = { "/load": LoadPage, "/assignments": RotaPage, "/shadow": TrialPage };

function pageFor(path) {
  if (path.startsWith("/bed/")) return new BedPage(site, decodeURIComponent(path.slice(5)));
  return new (PAGES[path] ?? Wall)(site);
}

/** Show the page of an address; the feed and the sound go on. */
function go(address, isBack = false) {
  if (!isBack) history.pushState(null, "", address);
  const { pathname } = new URL(address, location.href);
  site.page?.close();
  site.page = pageFor(pathname);
  $("page").replaceChildren(site.page.root);
  for (const a of document.querySelectorAll("nav a")) setAttribute(a, "aria-current", a.getAttribute("href") === pathname ? "page" : null);
  setAttribute(document.body, "data-page", pathname === "/" ? "wall" : pathname.split("/")[1]);
  draw();
  if (site.model.nowTsMs !== null) site.page.root.querySelector("h1")?.focus({ preventScroll: true });
  scrollTo(0, 0);
}

function follow(event) {
  const a = event.target.closest?.("a[href]");
  if (!a || event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey) return;
  if (a.origin !== location.origin || (!/^\/($|bed\/)/.test(a.pathname) && !(a.pathname in PAGES))) return;
  event.preventDefault();
  go(a.pathname + location.search);
}

/** All flashes of the screen in one phase, so that many tiles together flash no more often than one. */
function inPhase({ target }) {
  for (const animation of target.getAnimations({ subtree: true })) if (animation.startTime !== 0) animation.startTime = 0;
}

/** Ask who is signed in; again after the glass was broken, which changes what the person may see. */
async function meet(isChanged = false) {
  site.person = await fetchPerson();
  setText($("who"), site.person?.id ?? "");
  $("who").hidden = !site.person;
  if (site.person) feed.meet(site.person.id);
  if (isChanged) feed.renew();
  site.draw();
}

function begin() {
  document.addEventListener("click", follow);
  document.addEventListener("animationstart", inPhase, true);
  document.addEventListener("keydown", (event) => keys.take(event));
  addEventListener("popstate", () => go(location.href, true));
  for (const kind of ["online", "offline"]) {
    addEventListener(kind, () => {
      link.online = navigator.onLine;
      if (link.online) feed.renew();
      look();
    });
  }
  document.addEventListener("visibilitychange", () => document.hidden || (look(), site.draw()));
  $("search").addEventListener("input", (event) => {
    site.search = event.target.value;
    site.draw();
  });
  $("sound").addEventListener("click", () => sounder.unlock());
  $("sound-test").addEventListener("click", () => sounder.play("medium"));
  $("sound-quiet").addEventListener("click", () => {
    quietUntil = now() + QUIET_MS_MAX;
    look();
    drawSound();
  });
  $("help").addEventListener("click", () => keys.help());
  go(location.href, true);
  drawQueue();
  drawSound();
  setInterval(look, LOOK_MS);
  sounder.unlock(); // on a wall screen whose browser is told to allow it; else it stays silent until the tap
  $("who").addEventListener("click", () => showPerson(site, meet));
  meet();
}

begin();
