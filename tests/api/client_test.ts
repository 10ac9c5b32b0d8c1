/** What the endpoints make of their answers, and how their lists are named. */
import { assertEquals } from "@std/assert";
import { Client, filesList, logsList } from "../../src/api/client.ts";
import { listLabel } from "../../src/api/list_spec.ts";
import { json, stubbed } from "../helpers/stub.ts";

const FILE = {
  id: "pr_1",
  type: "prompt",
  path: "Support/Triage",
  directoryId: null,
};

Deno.test("records of a list are named by their numbers and the path of the File", () => {
  const logs = logsList(FILE, null, null);
  assertEquals(
    listLabel(logs, "2393–2484"),
    "Logs 2393–2484 of Support/Triage",
  );
  assertEquals(listLabel(filesList(null), "1–100"), "Files 1–100");
  const unnamed = logsList({ ...FILE, path: null }, null, null);
  assertEquals(listLabel(unnamed), "Logs of pr_1");
});

Deno.test("Environments of an unknown shape cost no Version", async () => {
  const environment = { id: "env_1", name: "production", tag: "default" };
  const { session } = stubbed(() =>
    json({
      records: [
        { version_id: "prv_1", environments: [null, environment, "x"] },
        { version_id: "prv_2", environments: null },
      ],
    })
  );
  const versions = await new Client(session).versions(FILE);
  assertEquals(versions.map(({ info }) => info), [
    { id: "prv_1", environments: null },
    { id: "prv_2", environments: [] },
  ]);
});
