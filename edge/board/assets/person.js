// Who is signed in, and what that person may do in which ward. The server decides; the page only greys buttons out.

import { ask, field } from "./dialogs.js";
import { make } from "./dom.js";

const FETCH_TIMEOUT_MS = 5_000;
const GLASS_TIMEOUT_MS = 15_000;

/** Whether `acts` of `/v1/me` (by ward, * for every ward; acts as a list) let a person do it. Pure. */
export function may(acts, act, ward) {
  if (!acts) return true;
  return Boolean(acts["*"]?.includes(act) || acts[ward]?.includes(act));
}

/** Ask the server; null when it does not answer, and then every button stays: the answer will say what was not allowed. */
export async function fetchPerson() {
  try {
    const answer = await fetch("/v1/me", { signal: AbortSignal.timeout(FETCH_TIMEOUT_MS), cache: "no-store" });
    if (!answer.ok) return null;
    const said = await answer.json();
    return { ...said, may: (act, ward) => may(said.acts, act, ward) };
  } catch {
    return null;
  }
}

/** Show who is signed in, with the two things to do about it: break the glass, sign out. */
export async function showPerson(site, changed) {
  const { person } = site;
  if (!person) return;
  const wards = person.wards?.includes("*") ? "all wards" : (person.wards ?? []).join(", ") || "no ward";
  const glass = make("button", { type: "button", onclick: (event) => leave(event, () => breakGlass(site, changed)) }, "Break the glass …");
  const out = make("button", { type: "button", onclick: signOut }, "Sign out");
  const words = make("p", {}, `${person.id}, ${person.role ?? "no role"}: ${wards}`);
  await ask("Signed in", [words, make("p", { class: "acts" }, glass, out)], null);
}

function leave(event, next) {
  event.target.closest("dialog").close("cancel");
  setTimeout(next, 0);
}

/** Ask for the patient and the reason; each time is marked and told. */
async function breakGlass(site, changed) {
  const patient = make("input", { name: "patient", required: true, maxlength: 128, autocomplete: "off", value: site.page.current()?.patient });
  const reason = make("input", { name: "reason", required: true, maxlength: 500, autocomplete: "off" });
  const note = make("p", { class: "note" }, "For an emergency beyond your own wards. It is written down with your name and told to others.");
  const data = await ask("Break the glass?", [note, field("Patient", patient), field("Reason", reason)], "Break the glass");
  if (!data) return;
  const body = JSON.stringify({ patient: data.get("patient"), reason: data.get("reason") });
  let said;
  try {
    const options = { method: "POST", headers: { "Content-Type": "application/json" }, body, signal: AbortSignal.timeout(GLASS_TIMEOUT_MS) };
    const answer = await fetch("/v1/break-glass", options);
    const told = await answer.json().catch(() => ({}));
    said = answer.ok ? `The glass is broken for ${data.get("patient")}.` : (told.detail ?? `The server answered ${answer.status}.`);
    if (answer.ok) changed(true);
  } catch {
    said = "The server could not be reached: nothing was changed.";
  }
  await ask("Break the glass", [make("p", {}, said)], null);
}

async function signOut() {
  try {
    await fetch("/sign-out", { method: "POST", signal: AbortSignal.timeout(FETCH_TIMEOUT_MS) });
  } finally {
    location.assign("/");
  }
}
