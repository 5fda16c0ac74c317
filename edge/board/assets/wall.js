// The ward's page: wards and their beds, the most severe on top, walked through by keys.

import { keyed, make, setAttribute, setText } from "./dom.js";
import { clockText } from "./format.js";
import { SEVERITIES, bedsInOrder, countsOf, serverNow, wardsInOrder } from "./model.js";
import { isSilent } from "./silence.js";
import { MARKS, ageTile, makeTile, showTile } from "./tile.js";

export class Wall {
  /** `site` is the page's common state: model, now(), silences, chosen wards, search. */
  constructor(site) {
    this.site = site;
    this.held = false;
    this.wards = make("div", { class: "wards" });
    this.none = make("p", { class: "none", hidden: true });
    this.below = make("p", { class: "below", "aria-hidden": "true", hidden: true });
    this.root = make("div", { class: "wall" }, make("h1", { class: "hidden", tabindex: -1 }, this.title), this.none, this.wards, this.below);
    this.hidden = new Map();
    this.watcher = new IntersectionObserver((entries) => this.seen(entries));
    // A bed does not move away from under a finger.
    this.root.addEventListener("pointerdown", () => (this.held = true));
    for (const event of ["pointerup", "pointercancel"]) addEventListener(event, () => this.release());
    this.root.addEventListener("focusin", (event) => this.rove(event.target.closest?.(".tile")));
  }

  get title() {
    return "Ward board";
  }

  release() {
    if (!this.held) return;
    this.held = false;
    this.site.draw();
  }

  draw() {
    if (this.held) return;
    const { model, silences, chosen, search } = this.site;
    const wards = wardsInOrder(model, chosen, search);
    keyed(this.wards, wards, ({ ward }) => `ward-${ward}`, makeWard, (section, ward) => this.drawWard(section, ward, silences));
    this.none.hidden = wards.length > 0;
    setText(this.none, search ? `No bed is called “${search}”.` : model.nowTsMs === null ? "Waiting for the wards …" : "No bed is shown: nothing is monitored here.");
    if (!this.root.querySelector('.tile[tabindex="0"]')) this.root.querySelector(".tile")?.setAttribute("tabindex", "0");
    this.tick();
  }

  drawWard(section, { name, beds, ward }, silences) {
    section.shown = { beds, ward };
    setText(section.querySelector(".ward-name"), name);
    const counts = countsOf(beds);
    const list = section.querySelector(".beds");
    setAttribute(list, "aria-label", `Beds of ${name}`);
    const parts = SEVERITIES.filter((each) => counts[each] && each !== "none");
    keyed(
      section.querySelector(".ward-counts"),
      parts,
      (severity) => severity,
      (severity) => make("span", { class: "count", "data-severity": severity }),
      (chip, severity) => setText(chip, `${MARKS[severity].shape} ${counts[severity]} ${MARKS[severity].word}`),
    );
    setText(section.querySelector(".ward-quiet"), `${counts.none} quiet of ${beds.length}`);
    keyed(
      list,
      beds,
      (bed) => bed.patient,
      () => this.watch(makeTile()),
      (item, bed) => showTile(item, bed, isSilent(bed, silences)),
    );
  }

  watch(item) {
    this.watcher.observe(item);
    return item;
  }

  /** Durations, ages and what each ward was judged until; called each second. */
  tick() {
    const { model } = this.site;
    const nowTsMs = serverNow(model, this.site.now());
    if (nowTsMs === null) return;
    for (const section of this.wards.children) {
      const { beds, ward } = section.shown;
      const byKey = new Map(beds.map((bed) => [bed.patient, bed]));
      for (const item of section.querySelector(".beds").children) {
        const bed = byKey.get(item.dataset.key);
        if (bed) ageTile(item, bed, nowTsMs);
      }
      const judged = model.wardClocks.get(ward)?.judgedTsMs;
      setText(section.querySelector(".ward-judged"), judged ? `judged until ${clockText(judged, true)}` : "");
    }
    this.drawBelow();
  }

  seen(entries) {
    for (const { target, isIntersecting, boundingClientRect } of entries) {
      if (!target.isConnected) {
        this.watcher.unobserve(target);
        this.hidden.delete(target);
      } else if (!isIntersecting && boundingClientRect.top > 0) this.hidden.set(target, true);
      else this.hidden.delete(target);
    }
    this.drawBelow();
  }

  /** What a screen without hands does not show: how many beds are below its edge, and whether one of them alarms. */
  drawBelow() {
    let alarming = 0;
    for (const item of this.hidden.keys()) {
      if (!item.isConnected) this.hidden.delete(item);
      else if (item.dataset.severity !== "none") alarming += 1;
    }
    const count = this.hidden.size;
    this.below.hidden = !count;
    setAttribute(this.below, "data-alarming", alarming > 0);
    const beds = count === 1 ? "1 more bed" : `${count} more beds`;
    setText(this.below, alarming ? `▼ ${beds}, ${alarming} with alarms` : `▼ ${beds}, quiet`);
  }

  tiles() {
    return [...this.root.querySelectorAll(".tile")];
  }

  rove(tile) {
    if (!tile) return;
    for (const other of this.root.querySelectorAll('.tile[tabindex="0"]')) if (other !== tile) other.tabIndex = -1;
    tile.tabIndex = 0;
  }

  /** Walk: next and previous in order, up and down to the nearest tile in that direction. */
  walk(key) {
    const tiles = this.tiles();
    if (!tiles.length) return;
    const here = tiles.indexOf(document.activeElement);
    const goTo = (tile) => {
      this.rove(tile);
      tile.focus();
      tile.scrollIntoView({ block: "nearest" });
    };
    if (here === -1) return goTo(tiles[0]);
    if (key === "next") return goTo(tiles[Math.min(here + 1, tiles.length - 1)]);
    if (key === "previous") return goTo(tiles[Math.max(here - 1, 0)]);
    const from = tiles[here].getBoundingClientRect();
    const sign = key === "down" ? 1 : -1;
    let best = null;
    for (const tile of tiles) {
      const box = tile.getBoundingClientRect();
      const along = (box.top - from.top) * sign;
      if (along < 4) continue;
      const far = along * 4 + Math.abs(box.left - from.left);
      if (!best || far < best.far) best = { tile, far };
    }
    if (best) goTo(best.tile);
  }

  /** The bed in focus, else the most severe one. */
  current() {
    const key = document.activeElement?.closest?.("li[data-key]")?.dataset.key;
    return this.site.model.beds.get(key) ?? bedsInOrder(this.site.model.beds.values())[0] ?? null;
  }

  close() {
    this.watcher.disconnect();
  }
}

function makeWard() {
  return make(
    "section",
    { class: "ward" },
    make(
      "header",
      { class: "ward-head" },
      make("h2", { class: "ward-name" }),
      make("span", { class: "ward-counts" }),
      make("span", { class: "ward-quiet" }),
      make("span", { class: "ward-judged" }),
    ),
    make("ul", { class: "beds" }),
  );
}
