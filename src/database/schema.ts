/**
 * Defines the tables of the database, each with its text for `--help`. What is
 * compared, sorted or summed has a column of its own; what is only displayed is
 * read from `json`.
 */

import { wrapText } from "../ui/text.ts";

/** Changes with every change of the tables: an older database is built again. */
export const SCHEMA_VERSION = 5;

/** The application id in the header of every database of this program. */
export const APPLICATION_ID = 0x484c4578;

/** A table or a view. */
interface Part {
  readonly name: string;
  /** What a row is, in one line. */
  readonly about: string;
  /** The columns of the table, or the query of the view. */
  readonly sql: string;
}

/** The position of a record on disk; `export` is a row of that table. */
const ON_DISK =
  `export INTEGER NOT NULL REFERENCES export(number), disk_path TEXT NOT NULL`;
const ON_LINE = `${ON_DISK}, disk_line INTEGER NOT NULL`;

const TABLES: readonly Part[] = [
  {
    name: "export",
    about: "an export or a shard: what was asked, when; its gaps",
    sql: `number INTEGER PRIMARY KEY, dir TEXT NOT NULL,
      prefix TEXT NOT NULL, tool TEXT, version TEXT, state TEXT,
      started_at TEXT, updated_at TEXT, api_url TEXT, directory_id TEXT,
      with_logs INTEGER, cutoff TEXT, filters TEXT, files INTEGER NOT NULL,
      gaps TEXT NOT NULL, fingerprint TEXT NOT NULL`,
  },
  {
    name: "files",
    about: "a Prompt, Tool, Dataset, Evaluator, Flow or Agent",
    sql: `id TEXT PRIMARY KEY, type TEXT, path TEXT, name TEXT,
      directory_id TEXT, created_at TEXT, updated_at TEXT, state TEXT,
      json TEXT, ${ON_DISK}`,
  },
  {
    name: "versions",
    about: "a Version of a File",
    sql: `file_id TEXT NOT NULL REFERENCES files(id),
      version_id TEXT NOT NULL, type TEXT, name TEXT, description TEXT,
      model TEXT, provider TEXT, created_at TEXT, created_by TEXT,
      json TEXT NOT NULL, ${ON_DISK}, PRIMARY KEY (file_id, version_id)`,
  },
  {
    name: "deployments",
    about: "a Version that is deployed to an environment",
    sql: `file_id TEXT NOT NULL REFERENCES files(id), version_id TEXT,
      environment_id TEXT, environment_name TEXT, environment_tag TEXT,
      json TEXT NOT NULL, ${ON_DISK},
      FOREIGN KEY (file_id, version_id) REFERENCES versions(file_id, version_id)`,
  },
  {
    name: "datapoints",
    about: "a Datapoint of a Version of a Dataset",
    sql: `file_id TEXT NOT NULL REFERENCES files(id),
      version_id TEXT NOT NULL, id TEXT, json TEXT NOT NULL, ${ON_LINE},
      FOREIGN KEY (file_id, version_id) REFERENCES versions(file_id, version_id)`,
  },
  {
    name: "evaluations",
    about: "an Evaluation of a File, with its statistics (stats)",
    sql: `id TEXT PRIMARY KEY, file_id TEXT NOT NULL REFERENCES files(id),
      name TEXT, created_at TEXT, status TEXT, json TEXT, stats TEXT, ${ON_DISK}`,
  },
  {
    name: "runs",
    about: "a Run, by Evaluation: a Version (of File) over a Dataset",
    sql: `id TEXT NOT NULL,
      evaluation_id TEXT NOT NULL REFERENCES evaluations(id),
      file_id TEXT, version_id TEXT, dataset_id TEXT, dataset_version_id TEXT,
      status TEXT, control INTEGER, created_at TEXT, json TEXT NOT NULL,
      ${ON_DISK}, PRIMARY KEY (evaluation_id, id),
      FOREIGN KEY (file_id, version_id) REFERENCES versions(file_id, version_id),
      FOREIGN KEY (dataset_id, dataset_version_id)
        REFERENCES versions(file_id, version_id)`,
  },
  {
    name: "logs",
    about:
      "a Log, once by its id, from whatever list; latency in seconds, cost in USD, time in microseconds since 1970 (within 1684 to 2255), 0 if unknown",
    sql: `number INTEGER PRIMARY KEY, id TEXT, type TEXT,
      file_id TEXT REFERENCES files(id), version_id TEXT, created_at TEXT,
      time INTEGER NOT NULL, latency REAL, model TEXT, prompt_tokens INTEGER,
      output_tokens INTEGER, reasoning_tokens INTEGER, cost REAL,
      prompt_cost REAL, output_cost REAL, environment TEXT, user TEXT,
      source TEXT, error TEXT, parent_id TEXT REFERENCES logs(id),
      trace_id TEXT REFERENCES logs(id),
      trace_parent_id TEXT REFERENCES logs(id), ${ON_LINE},
      json TEXT NOT NULL,
      FOREIGN KEY (file_id, version_id) REFERENCES versions(file_id, version_id)`,
  },
  {
    name: "judgments",
    about:
      "what an Evaluator's Log (evaluator_log_id) says of a Log (log_id), for each Run that it counts in; number is 1 or 0 for true or false",
    sql: `evaluator_log_id TEXT REFERENCES logs(id),
      log_id TEXT REFERENCES logs(id), log INTEGER,
      evaluator_id TEXT REFERENCES files(id), evaluator_version_id TEXT,
      evaluation_id TEXT REFERENCES evaluations(id), run_id TEXT, type TEXT NOT NULL, judgment TEXT,
      number REAL, error TEXT, created_at TEXT, ${ON_LINE},
      FOREIGN KEY (evaluation_id, run_id) REFERENCES runs(evaluation_id, id),
      FOREIGN KEY (evaluator_id, evaluator_version_id)
        REFERENCES versions(file_id, version_id)`,
  },
  {
    name: "evaluation_logs",
    about: "a Log of an Evaluation, with its Run and Datapoint",
    sql: `evaluation_id TEXT NOT NULL REFERENCES evaluations(id),
      run_id TEXT, datapoint_id TEXT,
      log_id TEXT REFERENCES logs(id), json TEXT NOT NULL, ${ON_LINE},
      FOREIGN KEY (evaluation_id, run_id) REFERENCES runs(evaluation_id, id)`,
  },
  {
    name: "problems",
    about:
      "what cannot be read (text holds it), is there twice, or refers to a missing row (table, column, value: so many rows)",
    sql: `kind TEXT NOT NULL, "table" TEXT, "column" TEXT, value TEXT,
      rows INTEGER NOT NULL, reason TEXT NOT NULL,
      export INTEGER REFERENCES export(number), disk_path TEXT,
      disk_line INTEGER, text TEXT`,
  },
];

/** Texts of a Log that are read from its record. */
const LOG_TEXTS = [
  ...["start_time", "end_time", "input", "messages", "output"],
  ...["output_message", "stdout", "metadata", "finish_reason"],
  "source_datapoint_id",
];

/**
 * Columns of text that are computed from the record when they are read, so that
 * they take no space. They are added last: SQLite would compute them for every
 * row that is inserted. DuckDB does not see them in a table.
 */
const FROM_JSON: Readonly<Record<string, readonly string[]>> = {
  logs: LOG_TEXTS,
  datapoints: ["inputs", "messages", "target"],
};

const VIEWS: readonly Part[] = [
  {
    // This is a view of its own, since DuckDB leaves it to SQLite and gets only
    // text.
    name: "log_texts",
    about: "texts of logs by number; in DuckDB only views have them",
    sql: `SELECT number, ${LOG_TEXTS.join(", ")} FROM logs`,
  },
  {
    name: "log_details",
    about: "all columns of logs, with names of File and Version",
    sql: `SELECT l.number, l.id, l.type, f.path AS file, l.file_id,
      v.name AS version, l.version_id, l.created_at, l.time, l.latency, l.model,
      l.prompt_tokens, l.output_tokens, l.reasoning_tokens, l.cost,
      l.prompt_cost, l.output_cost, l.environment, l.user, l.source, l.error,
      ${LOG_TEXTS.map((column) => `t.${column}`).join(", ")},
      l.parent_id, l.trace_id, l.trace_parent_id,
      e.dir AS export_dir, l.disk_path, l.disk_line, l.json
      FROM logs l JOIN export e ON e.number = l.export
      LEFT JOIN log_texts t ON t.number = l.number
      LEFT JOIN files f ON f.id = l.file_id
      LEFT JOIN versions v
        ON v.file_id = l.file_id AND v.version_id = l.version_id`,
  },
  {
    name: "datapoint_details",
    about: "all columns of datapoints, with names of File and Version",
    sql: `SELECT d.id, f.path AS file, d.file_id, v.name AS version,
      d.version_id, d.inputs, d.messages, d.target,
      e.dir AS export_dir, d.disk_path, d.disk_line, d.json
      FROM datapoints d JOIN export e ON e.number = d.export
      LEFT JOIN files f ON f.id = d.file_id
      LEFT JOIN versions v
        ON v.file_id = d.file_id AND v.version_id = d.version_id`,
  },
  {
    name: "version_stats",
    about: "Logs, latency, tokens, cost, errors of each Version",
    sql: `SELECT s.file_id, f.path AS file, s.version_id, v.name AS version,
      s.logs, s.latency, s.prompt_tokens, s.output_tokens, s.cost, s.errors,
      1.0 * s.errors / s.logs AS error_rate, s.first_at, s.last_at
      FROM (SELECT file_id, version_id, count(*) AS logs,
        avg(latency) AS latency, sum(prompt_tokens) AS prompt_tokens,
        sum(output_tokens) AS output_tokens, sum(cost) AS cost,
        count(error) AS errors, min(created_at) AS first_at,
        max(created_at) AS last_at FROM logs GROUP BY file_id, version_id) s
      LEFT JOIN files f ON f.id = s.file_id
      LEFT JOIN versions v
        ON v.file_id = s.file_id AND v.version_id = s.version_id`,
  },
  {
    name: "judgment_stats",
    about: "what each Evaluator judged in each Run, in numbers",
    sql: `SELECT j.evaluation_id, j.run_id, j.evaluator_id,
      f.path AS evaluator, count(*) AS judgments, sum(j.type = 'null') AS nulls,
      count(j.error) AS errors, avg(j.number) AS mean, min(j.number) AS min,
      max(j.number) AS max,
      sum(CASE WHEN j.type = 'boolean' THEN j.number = 1 END) AS num_true,
      sum(CASE WHEN j.type = 'boolean' THEN j.number = 0 END) AS num_false
      FROM judgments j LEFT JOIN files f ON f.id = j.evaluator_id
      GROUP BY j.evaluation_id, j.run_id, j.evaluator_id, f.path`,
  },
  {
    name: "traces",
    about: "a trace: its first Log, how many Logs, errors, cost, time",
    sql: `SELECT t.trace_id, r.file_id, f.path AS file, r.created_at,
      r.latency, t.logs, t.errors, t.cost, t.prompt_tokens, t.output_tokens
      FROM (SELECT trace_id, count(*) AS logs, count(error) AS errors,
        sum(cost) AS cost, sum(prompt_tokens) AS prompt_tokens,
        sum(output_tokens) AS output_tokens
        FROM logs WHERE trace_id IS NOT NULL GROUP BY trace_id) t
      LEFT JOIN logs r ON r.id = t.trace_id
      LEFT JOIN files f ON f.id = r.file_id`,
  },
];

/** The searched fields of a Log, in the order of the columns. */
export const SEARCHED = [
  "inputs",
  "messages",
  "output",
  "error",
  "metadata",
  "words",
] as const;

const SEARCH: Part = {
  name: "logs_fts",
  about:
    `full text of logs by number: MATCH 'word', 'begin*', 'output: word', '"a phrase"'; ` +
    `more than 4 characters of Chinese, Japanese or Thai as '"長 い 言 葉"'`,
  sql: `${SEARCHED.join(", ")}, content='logs_fts_rows',
    content_rowid='number', columnsize=0,
    tokenize="unicode61 remove_diacritics 2 categories 'L* N* Co M* So'"`,
};

/**
 * The content table that the full-text index names: the Logs, without texts.
 * SQLite cannot scan an index without a content table, and DuckDB, which scans
 * it to list the tables, would list none.
 */
const SEARCH_ROWS = `CREATE VIEW logs_fts_rows AS SELECT number,
  ${SEARCHED.map((column) => `NULL AS ${column}`).join(", ")} FROM logs;`;

/** Writes the SQL that makes the tables, before rows are inserted. */
export function tablesSql(
  { fullText }: { readonly fullText: boolean },
): string {
  const tables = TABLES.map(({ name, sql }) => `CREATE TABLE ${name}(${sql});`);
  const search = `${SEARCH_ROWS}
    CREATE VIRTUAL TABLE ${SEARCH.name} USING fts5(${SEARCH.sql});
    INSERT INTO logs_fts(logs_fts, rank) VALUES ('hashsize', 8000000);`;
  return [...tables, ...fullText ? [search] : []].join("\n");
}

/** The key of the Logs, which later steps need. */
export const LOGS_KEY = `CREATE UNIQUE INDEX logs_id ON logs(id)`;
/**
 * The key of the judgments: an Evaluator's Log may count in several Runs, and a Run in
 * several Evaluations.
 */
export const JUDGMENTS_KEY = `CREATE UNIQUE INDEX judgments_id
  ON judgments(evaluator_log_id, ifnull(evaluation_id, ''), ifnull(run_id, ''))`;

/** The other indexes, made last. */
export const INDEXES: readonly string[] = [
  // Covers everything that a list of Logs is filtered and sorted by.
  `CREATE INDEX logs_time ON logs(time, file_id, version_id, environment, user,
    latency, cost, error IS NOT NULL)`,
  // Covers everything that the numbers of a Version are computed from.
  `CREATE INDEX logs_version ON logs(file_id, version_id, time, latency, cost,
    error IS NOT NULL)`,
  `CREATE INDEX logs_trace ON logs(trace_id) WHERE trace_id IS NOT NULL`,
  `CREATE INDEX logs_trace_parent ON logs(trace_parent_id)
    WHERE trace_parent_id IS NOT NULL`,
  `CREATE INDEX logs_parent ON logs(parent_id) WHERE parent_id IS NOT NULL`,
  `CREATE INDEX judgments_log ON judgments(log_id)`,
  `CREATE INDEX judgments_value ON judgments(evaluator_id, judgment, log)`,
  `CREATE INDEX judgments_run ON judgments(evaluation_id, run_id, evaluator_id)`,
  `CREATE INDEX evaluation_logs_key
    ON evaluation_logs(evaluation_id, datapoint_id, run_id)`,
  `CREATE INDEX evaluation_logs_log ON evaluation_logs(log_id)`,
  `CREATE INDEX datapoints_key ON datapoints(file_id, version_id, id)`,
  `CREATE INDEX datapoints_id ON datapoints(id)`,
  `CREATE INDEX deployments_file ON deployments(file_id, version_id)`,
  `CREATE INDEX evaluations_file ON evaluations(file_id)`,
];

/** Writes the SQL that adds the computed columns. */
export function addedColumns(): readonly string[] {
  return Object.entries(FROM_JSON).flatMap(([table, columns]) =>
    columns.map((name) => {
      const field = name === "input" ? "inputs" : name;
      return `ALTER TABLE ${table} ADD COLUMN ${name} TEXT GENERATED ALWAYS
       AS (CASE WHEN json_valid(json) THEN json_extract(json, '$.${field}') END)`;
    })
  );
}

/** Writes the SQL that makes the views. */
export function viewsSql(): string {
  return VIEWS.map(({ name, sql }) => `CREATE VIEW ${name} AS ${sql};`)
    .join("\n");
}

/** The width of the schema on a screen, in columns. */
const SCREEN_COLUMNS = 80;

/** Writes the schema by table, for `--help`. */
export function schemaText(): string {
  const parts = [...TABLES, SEARCH, ...VIEWS];
  const width = Math.max(...parts.map(({ name }) => name.length));
  const indent = " ".repeat(width + 4);
  const lines = parts.flatMap(({ name, about }) =>
    wrapText(about, SCREEN_COLUMNS - indent.length).map((line, i) =>
      i === 0 ? `  ${name.padEnd(width)}  ${line}` : indent + line
    )
  );
  return [
    "Tables and views (json: the record as the export holds it; disk_path,",
    "disk_line: its place there):",
    ...lines,
  ].join("\n");
}
