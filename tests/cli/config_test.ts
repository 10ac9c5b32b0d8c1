import { assertEquals, assertThrows } from "@std/assert";
import { readArgs } from "../../src/cli/options/args.ts";
import {
  type ConfigInput,
  newSettings,
  readConfigInput,
  resumedSettings,
} from "../../src/cli/options/config.ts";
import { DEFAULT_API_URL } from "../../src/cli/options/defaults.ts";
import { UsageError } from "../../src/core/errors.ts";
import { NO_FILTERS } from "../../src/core/filters.ts";

function input(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  envFile: string | null = null,
): ConfigInput {
  return readConfigInput({
    flags: readArgs(args),
    env: (name) => env[name],
    envFile,
    nowMs: 0,
  });
}
const settings = (...args: Parameters<typeof input>) =>
  newSettings(input(...args));

Deno.test("without any setting, the defaults hold", () => {
  assertEquals(settings([]), {
    apiUrl: DEFAULT_API_URL,
    directoryId: null,
    logs: false,
    cutoff: null,
    filters: NO_FILTERS,
    rootDirectoryId: null,
  });
});

Deno.test("flags win over the environment, that over .env", () => {
  const file =
    "HUMANLOOP_API_KEY=file\nHUMANLOOP_DIRECTORY_ID=dir_file\nEXPORT_LOGS=true\nHUMANLOOP_API_URL=https://file.test/v5/\n";
  const env = {
    HUMANLOOP_API_KEY: "env",
    HUMANLOOP_DIRECTORY_ID: "dir_env",
    EXPORT_LOGS: "False",
    HUMANLOOP_API_URL: "https://env.test",
  };
  const flags = [
    "--directory",
    "dir_flag",
    "--logs",
    "--api-url=https://flag.test/v5",
  ];
  const shown = (from: ConfigInput) => {
    const { apiUrl, directoryId, logs } = newSettings(from);
    return [from.apiKey, apiUrl, directoryId, logs];
  };
  assertEquals(
    [
      shown(input([], {}, file)),
      shown(input([], env, file)),
      shown(input(flags, env, file)),
    ],
    [
      ["file", "https://file.test/v5", "dir_file", true],
      ["env", "https://env.test", "dir_env", false],
      ["env", "https://flag.test/v5", "dir_flag", true],
    ],
  );
});

Deno.test("an empty value counts as not set", () => {
  const empty = { HUMANLOOP_API_KEY: "", EXPORT_LOGS: " " };
  const file =
    '\ufeffexport HUMANLOOP_API_KEY="from file" # mine\r\nEXPORT_LOGS=TRUE\r\n';
  assertThrows(() => input([], empty, file), UsageError, "the API key has");
  const { apiKey, logsVariable } = input(
    [],
    empty,
    file.replace("from file", "hl_sk_$X"),
  );
  assertEquals([apiKey, logsVariable], ["hl_sk_$X", true]);
});

for (const word of ["yes", "1", "truee", "on"]) {
  Deno.test(`EXPORT_LOGS=${word} is an error`, () => {
    assertThrows(
      () => input([], { EXPORT_LOGS: word }),
      UsageError,
      `EXPORT_LOGS must be true or false, not ${word}`,
    );
  });
}

Deno.test("a key that cannot be sent is refused and not shown", () => {
  for (const key of ["hl sk", "hl_sk_é", "hl_sk_\u0000"]) {
    const error = assertThrows(
      () => input([], { HUMANLOOP_API_KEY: key }),
      UsageError,
    );
    assertEquals(error.message.includes(key), false);
  }
});

Deno.test("a resume uses the first run's settings, and may only add Logs", () => {
  const first = settings(["--directory", "dir_1", "--api-url=https://a.test"]);
  const api = ["--api-url=https://a.test"];
  assertEquals(resumedSettings(input(api), first), first);
  assertEquals(resumedSettings(input([...api, "--logs"]), first), {
    ...first,
    logs: true,
  });
  const withLogs = { ...first, logs: true };
  assertEquals(
    resumedSettings(input(api, { EXPORT_LOGS: "false" }), withLogs),
    withLogs,
  );
  for (
    const args of [
      [...api, "--no-logs"],
      [...api, "--directory", "dir_2"],
      ["--api-url=https://b.test"],
      [],
    ]
  ) {
    assertThrows(() => resumedSettings(input(args), withLogs), UsageError);
  }
});

Deno.test("the key goes to the address that the user says, never to one of export.json", () => {
  const first = newSettings(input(["--api-url=https://evil.test/v5"]));
  const error = assertThrows(
    () => resumedSettings(input([]), first),
    UsageError,
  );
  assertEquals(
    error.message,
    `this export is from https://evil.test/v5, but the settings name ${DEFAULT_API_URL}; if the key may be sent to the first, give that with --api-url`,
  );
  for (
    const said of [
      input(["--api-url=https://evil.test/v5"]),
      input([], { HUMANLOOP_API_URL: "https://evil.test/v5" }),
      input([], {}, "HUMANLOOP_API_URL=https://evil.test/v5"),
    ]
  ) {
    assertEquals(resumedSettings(said, first), first);
  }
});

Deno.test("http:// is for loopback only, unless this command allows it with --api-url", () => {
  const url = "http://api.test/v5";
  for (const host of ["localhost", "127.0.0.1:8080", "[::1]:8080"]) {
    const local = `http://${host}/v5`;
    assertEquals(input([], { HUMANLOOP_API_URL: local }).apiUrl, local);
  }
  assertEquals(input(["--api-url", url]).apiUrl, url);
  for (
    const said of [
      () => input([], { HUMANLOOP_API_URL: url }),
      () => input([], {}, `HUMANLOOP_API_URL=${url}`),
    ]
  ) {
    assertThrows(
      said,
      UsageError,
      "HUMANLOOP_API_URL must begin with https://, or others on the network could read the key",
    );
  }
});

Deno.test("--since and --until without Logs are refused", () => {
  for (const args of [["--since", "30d"], ["--until", "30d", "--no-logs"]]) {
    assertThrows(() => settings(args), UsageError, "add --logs");
  }
  assertThrows(
    () => settings(["--since", "30d"], { EXPORT_LOGS: "false" }),
    UsageError,
    "add --logs",
  );
  assertEquals(settings(["--since", "30d", "--logs"]).logs, true);
});
