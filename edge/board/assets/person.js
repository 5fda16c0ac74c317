// Who is signed in, and what that person may do in which ward. The server decides; the page only greys buttons out.

const FETCH_TIMEOUT_MS = 5_000;

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
