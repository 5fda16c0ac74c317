// One stream for all tabs of a browser: HTTP/1.1 allows six connections to a host, and a seventh tab would hang.

import { Connection } from "./connection.js";
import { apply, emptyModel, snapshotOf } from "./model.js";

/** A tab that has not been heard for so long is gone; a hidden one may speak once a minute only [M]. */
const GONE_MS = 150_000;

const tabs = new Map();
let model = emptyModel();
let link = { signedOut: false };
let person = null;

const send = (message) => {
  for (const port of tabs.keys()) port.postMessage(message);
};

const connection = new Connection(
  (kind, data) => {
    link = { signedOut: false };
    apply(model, kind, data, performance.now());
    send({ kind, data });
  },
  (said) => {
    link = said;
    send({ kind: "link", data: said });
  },
);

/** The wards that any tab shows; none = all, as soon as one tab shows all. */
function wanted() {
  const lists = [...tabs.values()].map((tab) => tab.wards);
  return lists.some((wards) => !wards.length) ? [] : [...new Set(lists.flat())].sort();
}

function sweep() {
  const now = performance.now();
  for (const [port, tab] of tabs) if (now - tab.heardAt > GONE_MS) tabs.delete(port);
}

/** What one person was shown is nothing for the next. */
function forget() {
  connection.end();
  model = emptyModel();
}

/** Take who is signed in now: the stream of somebody else ends here. */
function meet(id) {
  const isOther = person !== null && person !== id;
  person = id;
  if (!isOther) return;
  forget();
  connection.open(wanted());
}

function take(port, message) {
  sweep();
  if (message.kind === "bye") {
    tabs.delete(port);
    if (!tabs.size) forget();
    return;
  }
  if (message.kind === "person") {
    meet(message.person);
    return;
  }
  const isNew = !tabs.has(port);
  tabs.set(port, { wards: message.wards ?? [], heardAt: performance.now() });
  if (message.kind === "renew") connection.renew();
  else connection.open(wanted());
  if ((isNew || message.kind === "hello") && model.position !== null) {
    port.postMessage({ kind: "snapshot", data: snapshotOf(model), cached: true });
  }
  if (isNew) port.postMessage({ kind: "link", data: link });
}

self.addEventListener("connect", (event) => {
  const [port] = event.ports;
  port.addEventListener("message", ({ data }) => take(port, data));
  port.start();
});
