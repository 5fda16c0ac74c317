// The page's end of the stream: by the browser's shared worker, or its own where there is none.

import { Connection } from "./connection.js";

/** A tab says that it is there so often, so that the worker forgets none that is [M]. */
const HERE_MS = 20_000;

class SharedFeed {
  constructor(hear, tell, wards) {
    this.wards = wards;
    this.worker = new SharedWorker("/assets/feed-worker.js", { type: "module", name: "vigil-feed-1" });
    this.worker.port.addEventListener("message", ({ data }) => {
      if (data.kind === "link") tell(data.data);
      else hear(data.kind, data.data, Boolean(data.cached));
    });
    this.worker.port.start();
    this.say("hello");
    setInterval(() => this.say("here"), HERE_MS);
    addEventListener("pagehide", () => this.say("bye"));
    addEventListener("pageshow", (event) => event.persisted && this.say("hello"));
  }

  say(kind) {
    this.worker.port.postMessage({ kind, wards: this.wards });
  }

  renew() {
    this.say("renew");
  }
}

class OwnFeed {
  constructor(hear, tell, wards) {
    this.connection = new Connection((kind, data) => hear(kind, data, false), tell);
    this.connection.open(wards);
    addEventListener("pagehide", () => this.connection.close());
    addEventListener("pageshow", (event) => event.persisted && this.renew());
  }

  renew() {
    this.connection.connect();
  }
}

/**
 * Open the feed. `hear(kind, data, cached)` takes the events; `cached` is a snapshot that the worker had, no word of
 * the server's. `tell({signedOut})` hears of the link. `renew()` of what is returned opens the stream again at once.
 */
export function openFeed(hear, tell, wards) {
  const Feed = typeof SharedWorker === "function" ? SharedFeed : OwnFeed;
  return new Feed(hear, tell, wards);
}
