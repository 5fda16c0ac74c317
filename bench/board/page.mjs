// Pages without a browser: the page's own model and connection, run in Node, each behind an address of its own.
// Orders come as lines of JSON on standard input; every one is answered by a line.

import http from "node:http";
import { createInterface } from "node:readline";

const assets = new URL("../../edge/board/assets/", import.meta.url);
const { apply, emptyModel, snapshotOf } = await import(new URL("model.js", assets));
const { Connection, MUTE_MS } = await import(new URL("connection.js", assets));

/** Waits before a stream is opened again are shorter by so much, so that a run meets many cuts in little time. */
const QUICKER = 20;
const realTimeout = globalThis.setTimeout;
globalThis.setTimeout = (work, ms, ...more) => realTimeout(work, ms === MUTE_MS ? ms : ms / QUICKER, ...more);

/** Of the page whose connection is at work: a browser knows it by the page's own address. */
let base = "";
globalThis.fetch = async () => ({ status: 200 }); // whether the session is over: it never is

/** As WHATWG HTML, section 9.2, has it, but that it never opens again by itself: the page closes it at every error. */
globalThis.EventSource = class {
  constructor(path) {
    this.heard = new Map();
    this.lastEventId = "";
    this.isOver = false;
    this.request = http.get(base + path, { agent: false }, (answer) => this.read(answer));
    this.request.on("error", () => this.fail());
  }

  addEventListener(kind, work) {
    this.heard.set(kind, work);
  }

  read(answer) {
    if (answer.statusCode !== 200) return this.fail();
    let rest = "";
    answer.setEncoding("utf8");
    answer.on("data", (text) => {
      const blocks = (rest + text).split("\n\n");
      rest = blocks.pop();
      for (const block of blocks) this.dispatch(block);
    });
    for (const end of ["end", "error", "aborted", "close"]) answer.on(end, () => this.fail());
  }

  dispatch(block) {
    const fields = new Map();
    for (const line of block.split("\n")) {
      const colon = line.indexOf(": ");
      if (colon > 0) fields.set(line.slice(0, colon), line.slice(colon + 2));
    }
    if (fields.has("id")) this.lastEventId = fields.get("id");
    if (!this.isOver && fields.has("data")) {
      this.heard.get(fields.get("event"))?.({ data: fields.get("data"), lastEventId: this.lastEventId });
    }
  }

  fail() {
    if (this.isOver) return;
    this.isOver = true;
    this.heard.get("error")?.();
  }

  close() {
    this.isOver = true;
    this.request.destroy();
  }
};

class Page {
  constructor(url, wards) {
    this.model = emptyModel();
    this.seen = { snapshot: 0, beds: 0, gone: 0, clock: 0 };
    this.connection = new Connection(
      (kind, data) => {
        this.seen[kind] += 1;
        apply(this.model, kind, data, Date.now());
      },
      () => {},
    );
    const connect = this.connection.connect;
    this.connection.connect = function connectFromHere() {
      base = url;
      connect.call(this);
    };
    this.connection.open(wards);
  }
}

const pages = new Map();
for await (const line of createInterface({ input: process.stdin })) {
  const { act, page, url, wards } = JSON.parse(line);
  if (act === "open") pages.set(page, new Page(url, wards));
  const { model, seen } = pages.get(page);
  const answer = act === "beds" ? { beds: snapshotOf(model).beds, seen } : {};
  if (act === "close") {
    pages.get(page).connection.end();
    pages.delete(page);
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
process.exit(0);
