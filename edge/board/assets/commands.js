// Commands to the alarm system: asked, answered, and kept until answered, also over a reload.

const STORE = "vigil.commands";
export const QUEUE_MAX = 50;
const ASK_TIMEOUT_MS = 12_000;
/** Asked again by its id so often by itself, so long apart; later only when somebody says so [M]. */
export const TRIES_MAX = 10;
export const AGAIN_MS = 4_000;
/** A command older than this is never sent again by itself: what it was meant for may be over [M]. */
export const STALE_MS = 120_000;
/** What has been answered stays to be read for so long. */
const READ_MS = 20_000;

const newId = () => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

const WORDS = {
  acknowledge: "acknowledge",
  accept: "accept",
  reject: "reject",
  pause: "pause",
  resume: "end the pause",
  "set-limits": "limits",
};

/** What an answer says to the person, from the HTTP status and the body: an answer, or a problem by RFC 9457. */
export function outcomeOf(status, body) {
  if (status === 200) return { state: body.outcome === "accepted" ? "accepted" : "refused", reason: body.reason ?? "" };
  if (status === 401) return { state: "unanswered", reason: "Signed out: sign in, then ask again." };
  if (status >= 500 || status === 429) return { state: "unanswered", reason: body.detail ?? "" };
  if (status === 403) return { state: "refused", reason: body.detail ?? "You may not do this in this ward." };
  return { state: "refused", reason: body.detail ?? `The server answered ${status}.` };
}

export class Commands {
  /** `changed()` is called when the queue looks different; `storage` is a Storage; `now()` the wall clock, ms. */
  constructor(changed, storage = sessionStorage, now = () => Date.now()) {
    this.changed = changed;
    this.storage = storage;
    this.now = now;
    this.entries = this.load();
    for (const entry of this.entries) if (this.isOpen(entry)) this.later(entry, 0);
  }

  load() {
    try {
      return JSON.parse(this.storage.getItem(STORE) ?? "[]").slice(0, QUEUE_MAX);
    } catch {
      return [];
    }
  }

  save() {
    this.storage.setItem(STORE, JSON.stringify(this.entries));
    this.changed();
  }

  isOpen(entry) {
    return entry.state === "asking" || entry.state === "unanswered";
  }

  /** Send a command; `about` is how people call what it is for. Return its entry, which changes with the answer. */
  send(kind, patient, said, about) {
    const body = { id: newId(), kind, patient, ...said };
    const entry = { id: body.id, body, what: `${WORDS[kind] ?? kind}: ${about}`, state: "asking", reason: "", tries: 0, askedAt: this.now() };
    this.entries.unshift(entry);
    if (this.entries.length > QUEUE_MAX) {
      const answered = this.entries.findLastIndex((each) => !this.isOpen(each));
      this.entries.splice(answered === -1 ? QUEUE_MAX : answered, 1);
    }
    this.save();
    entry.done = this.ask(entry);
    return entry;
  }

  async ask(entry) {
    entry.tries += 1;
    let outcome;
    try {
      const answer = await fetch("/v1/commands", {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(entry.body),
        signal: AbortSignal.timeout(ASK_TIMEOUT_MS),
      });
      outcome = outcomeOf(answer.status, await answer.json().catch(() => ({})));
    } catch {
      outcome = { state: "unanswered", reason: "The server could not be reached." };
    }
    Object.assign(entry, outcome);
    if (entry.state === "unanswered") this.later(entry, AGAIN_MS);
    else setTimeout(() => this.forget(entry.id), READ_MS);
    this.save();
    return entry;
  }

  later(entry, waitMs) {
    const isStale = this.now() - entry.askedAt > STALE_MS;
    if (isStale || entry.tries >= TRIES_MAX) {
      entry.state = "unanswered";
      entry.given = true;
      return;
    }
    setTimeout(() => this.entries.includes(entry) && this.isOpen(entry) && this.ask(entry), waitMs);
  }

  /** Ask again because somebody says so: the same id, so that it is applied once at most. */
  again(id) {
    const entry = this.entries.find((each) => each.id === id);
    if (!entry) return;
    Object.assign(entry, { state: "asking", tries: 0, given: false });
    this.save();
    this.ask(entry);
  }

  forget(id) {
    this.entries = this.entries.filter((each) => each.id !== id);
    this.save();
  }

  get open() {
    return this.entries.filter((entry) => this.isOpen(entry));
  }
}
