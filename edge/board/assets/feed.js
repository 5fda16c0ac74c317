// The page's end of the stream: by the browser's shared worker, or its own where there is none.

import { Connection } from "./connection.js";

/** A tab says that it is there so often, so that the worker forgets none that is [M]. */
const HERE_MS = 20_000;

class SharedFeed {
  constructor(hear, tell, wards) {
    Object.assign(this, { hear, tell, wards });
    this.attach();
    setInterval(() => this.say("here"), HERE_MS);
    addEventListener("pagehide", () => this.say("bye"));
    addEventListener("pageshow", (event) => event.persisted && this.say("hello"));
  }

  attach() {
    this.port = new SharedWorker("/assets/feed-worker.js", { type: "module", name: "vigil-feed-1" }).port;
    this.port.addEventListener("message", ({ data }) => {
      if (data.kind === "link") this.tell(data.data);
      else this.hear(data.kind, data.data, Boolean(data.cached));
    });
    this.port.start();
    this.say("hello");
  }

  say(kind, more = {}) {
    this.port.postMessage({ kind, wards: this.wards, ...more });
  }

  renew() {
    this.say("renew");
  }

  /** Nothing has come for long: the worker may have died, which nobody tells its tabs. */
  revive() {
    this.say("bye");
    this.port.close();
    this.attach();
  }

  meet(person) {
    this.say("person", { person });
  }
}

class OwnFeed {
  constructor(hear, tell, wards) {
    this.connection = new Connection((kind, data) => hear(kind, data, false), tell);
    this.connection.open(wards);
    addEventListener("pagehide", () => this.connection.end());
    addEventListener("pageshow", (event) => event.persisted && this.renew());
  }

  renew() {
    this.connection.renew();
  }

  revive() {
    this.renew();
  }

  meet() {} // the stream was opened by this page, for whoever opened the page
}

/**
 * Open the feed. `hear(kind, data, cached)` takes the events; `cached` is a snapshot that the worker had, no word of
 * the server's. `tell({signedOut})` hears of the link. Of what is returned,
 * `renew()` opens the stream again at once, `revive()` also where its worker is dead, `meet(person)` says who looks.
 */
export function openFeed(hear, tell, wards) {
  const Feed = typeof SharedWorker === "function" ? SharedFeed : OwnFeed;
  return new Feed(hear, tell, wards);
}
