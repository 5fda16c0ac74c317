// Questions to the server: always with a bound, never from a cache, and with the server's own words where it refuses.

/** Return what an address answers as JSON, or throw an Error whose message is for people. */
export async function getJson(path, timeoutMs) {
  const answer = await fetch(path, { signal: AbortSignal.timeout(timeoutMs), cache: "no-store" });
  const body = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(body.detail ?? `the server answered ${answer.status}`);
  return body;
}
