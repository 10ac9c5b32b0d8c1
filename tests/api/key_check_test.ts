/** What a 401 or 403 means: a key that is refused, or one thing that it may not read. */
import { assertEquals, assertRejects } from "@std/assert";
import { ApiError, AuthError } from "../../src/core/errors.ts";
import type { ApiRequest } from "../../src/api/session/request.ts";
import { json, stubbed } from "../helpers/stub.ts";

const REQUEST: ApiRequest<number> = {
  path: "/logs",
  label: "Logs of Support/Triage",
  read: (body) => body.length,
};
const refusal = (status: number) =>
  json({ detail: "You cannot access this resource." }, { status });

for (const status of [401, 403]) {
  Deno.test(`${status} for one thing, while the key is good, costs that thing`, async () => {
    let probes = 0;
    const { session, seen } = stubbed(() => refusal(status), {
      probe: () => (probes++, json({})),
    });
    await session.reach();
    const error = await assertRejects(() => session.get(REQUEST), ApiError);
    assertEquals(
      error.message,
      `the API refuses this (HTTP ${status}: {"detail":"You cannot access this resource."}); ask for access and resume`,
    );
    assertEquals([error.retryable, seen.length, probes], [false, 1, 2]);
  });

  Deno.test(`${status} also for the probe is a key that is refused, before and after a good answer`, async () => {
    let isRevoked = true;
    const { session } = stubbed(() => isRevoked ? refusal(status) : json({}), {
      probe: () => isRevoked ? refusal(status) : json({}),
    });
    const text = `the API refused the key (HTTP ${status}: `;
    await assertRejects(() => session.get(REQUEST), AuthError, text);
    await assertRejects(() => session.reach(), AuthError, text);
    isRevoked = false;
    await session.get(REQUEST);
    isRevoked = true;
    const error = await session.get(REQUEST).then(() => null, (error) => error);
    assertEquals(
      error instanceof AuthError,
      true,
      "the old probe is forgotten",
    );
  });
}

Deno.test("many refusals at once share one probe, whose result holds for some seconds", async () => {
  let probes = 0;
  const { session, seen, clock } = stubbed(() => refusal(403), {
    probe: () => (probes++, json({})),
  });
  const refused = async () => {
    await assertRejects(() => session.get(REQUEST), ApiError, "refuses this");
  };
  await Promise.all(Array.from({ length: 50 }, refused));
  await refused();
  assertEquals([seen.length, probes], [51, 1]);
  await clock.sleep(5_000);
  await Promise.all(Array.from({ length: 50 }, refused));
  assertEquals(probes, 2);
});

Deno.test("if the probe fails, a key that has worked counts as good, and one that has not as refused", async () => {
  const { session } = stubbed(
    (url) => url.pathname.endsWith("/logs") ? refusal(403) : json({}),
    { probe: () => json({ detail: "no" }, { status: 422 }) },
  );
  await session.get({ ...REQUEST, path: "/ok" });
  await assertRejects(() => session.get(REQUEST), ApiError, "refuses this");
  const other = stubbed(() => refusal(403), {
    probe: () => json({ detail: "no" }, { status: 422 }),
  });
  await assertRejects(() => other.session.get(REQUEST), AuthError);
});
