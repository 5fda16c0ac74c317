// The one stream from the server: opened, watched and opened again, also after an HTTP error.

export const EVENTS = Object.freeze(["snapshot", "wards", "beds", "gone", "clock"]);
/** Waits before the stream is opened again: doubled from the first to the last, with up to a half on top [M]. */
export const REOPEN_MS = Object.freeze([500, 5_000]);
/** The server speaks each second; a stream that has said nothing for so long is dead, whatever TCP believes [M]. */
export const MUTE_MS = 5_000;
const ASK_TIMEOUT_MS = 3_000;

/** How long to wait before the next try, after so many that failed. */
export function waitMs(failed, random) {
  const [first, last] = REOPEN_MS;
  return Math.min(last, first * 2 ** Math.min(failed, 10)) * (1 + random / 2);
}

/** Ask why the stream was refused: a browser does not say. Return true if the session is over. */
async function isSignedOut() {
  try {
    const answer = await fetch("/v1/me", { signal: AbortSignal.timeout(ASK_TIMEOUT_MS), cache: "no-store" });
    return answer.status === 401;
  } catch {
    return false;
  }
}

export class Connection {
  /** `hear(kind, data)` takes each event, `tell({signedOut})` what is known of the link. */
  constructor(hear, tell) {
    this.hear = hear;
    this.tell = tell;
    this.position = null;
    this.wards = [];
    this.failed = 0;
    this.source = null;
    this.timer = null;
    this.watch = null;
    this.isWanted = false;
  }

  /** Open the stream of these wards (none = all); wards that were not had before need a fresh snapshot. */
  open(wards) {
    if (this.isWanted && String(wards) === String(this.wards)) return;
    if (String(wards) !== String(this.wards)) this.position = null;
    this.wards = wards;
    this.isWanted = true;
    this.failed = 0;
    this.connect();
  }

  /** Open it again at once, from where it was. */
  renew() {
    this.isWanted = true;
    this.connect();
  }

  /** Nobody listens any more, or somebody else does: what was heard is forgotten. */
  end() {
    this.isWanted = false;
    this.position = null;
    this.close();
  }

  connect() {
    this.close();
    const query = new URLSearchParams(this.wards.map((ward) => ["ward", ward]));
    if (this.position !== null) query.set("from", this.position);
    const source = new EventSource(`/v1/stream?${query}`);
    this.source = source;
    for (const kind of EVENTS) {
      source.addEventListener(kind, (event) => this.source === source && this.take(kind, event));
    }
    // A browser opens again by itself after a cut, but never after an answer such as 503: here both go one way.
    source.addEventListener("error", () => this.source === source && this.reopen());
    this.listen();
  }

  take(kind, event) {
    let data;
    try {
      data = JSON.parse(event.data);
    } catch {
      this.position = null; // half a message: begin again with a whole snapshot
      this.reopen();
      return;
    }
    this.failed = 0;
    if (event.lastEventId) this.position = event.lastEventId;
    this.listen();
    this.hear(kind, data);
  }

  /** Give up on a stream that says nothing. */
  listen() {
    clearTimeout(this.watch);
    this.watch = setTimeout(() => this.reopen(), MUTE_MS);
  }

  reopen() {
    this.close();
    this.timer = setTimeout(() => this.connect(), waitMs(this.failed, Math.random()));
    this.failed += 1;
    isSignedOut().then((signedOut) => this.tell({ signedOut }));
  }

  close() {
    clearTimeout(this.timer);
    clearTimeout(this.watch);
    this.source?.close();
    this.source = null;
  }
}
