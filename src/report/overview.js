// Shows Files as a tree, or those that are searched for as a list.
const { files, directories } = JSON.parse(
  document.getElementById("data").textContent,
);
/** Rows that are shown at once. */
const ROWS = 200;
/** A tree of no more rows than this is shown with all Directories open. */
const OPEN = 400;
const NUMBERS = ["versions", "logs", "evaluations", "datapoints"];
const LABELS = {
  versions: "Versions",
  deployed: "Deployed to",
  logs: "Logs",
  evaluations: "Evaluations",
  datapoints: "Datapoints",
};

const compareNames = new Intl.Collator(undefined, { numeric: true }).compare;
const element = (id) => document.getElementById(id);

for (const file of files) {
  const parts = file.path.split("/");
  file.name = parts.at(-1);
  file.parents = parts.slice(0, -1);
  file.words = `${file.path} ${file.id}`.toLowerCase();
}
files.sort((a, b) => compareNames(a.path, b.path));

const newDir = (path, name) => ({
  path,
  name,
  dirs: new Map(),
  files: [],
  count: 0,
});
const root = newDir("", "");
const open = new Set();

/** The Directory of a path, made with those above it. */
function dirAt(parts) {
  let dir = root;
  parts.forEach((name, i) => {
    if (!dir.dirs.has(name)) {
      dir.dirs.set(name, newDir(parts.slice(0, i + 1).join("/"), name));
    }
    dir = dir.dirs.get(name);
  });
  return dir;
}

for (const path of directories) {
  if (path !== "") dirAt(path.split("/"));
}
for (const file of files) {
  dirAt(file.parents).files.push(file);
  for (let i = 0; i <= file.parents.length; i++) {
    dirAt(file.parents.slice(0, i)).count++;
  }
}
sortDirs(root);
function sortDirs(dir) {
  dir.dirs = new Map(
    [...dir.dirs].sort(([a], [b]) => compareNames(a, b)),
  );
  if (files.length + directories.length <= OPEN) open.add(dir.path);
  for (const one of dir.dirs.values()) sortDirs(one);
}

let sortKey = "path";
let descending = false;
let limit = ROWS;

/** The rows of the tree that are visible. */
function treeRows(dir, depth, rows) {
  for (const one of dir.dirs.values()) {
    rows.push({ dir: one, depth });
    if (open.has(one.path)) treeRows(one, depth + 1, rows);
  }
  for (const file of dir.files) rows.push({ file, depth });
  return rows;
}

function compareBy(key) {
  return NUMBERS.includes(key)
    ? (a, b) => a[key] - b[key]
    : (a, b) => compareNames(a[key], b[key]);
}

function matching() {
  const words = element("query").value.toLowerCase().split(/\s+/)
    .filter((word) => word !== "");
  const types = [...document.querySelectorAll("#types input:checked")]
    .map(({ value }) => value);
  const isTree = words.length === 0 && types.length === 0 &&
    sortKey === "path" && !descending;
  if (isTree) return { rows: treeRows(root, 0, []), count: files.length };
  const wanted = files.filter((file) =>
    (types.length === 0 || types.includes(file.type)) &&
    words.every((word) => file.words.includes(word))
  );
  if (sortKey !== "path") wanted.sort(compareBy(sortKey));
  if (descending) wanted.reverse();
  const rows = wanted.map((file) => ({ file, depth: 0, isFound: true }));
  return { rows, count: wanted.length };
}

function show() {
  const { rows, count } = matching();
  element("rows").replaceChildren(...rows.slice(0, limit).map(rowOf));
  element("more").hidden = rows.length <= limit;
  const number = (value) => value.toLocaleString("en");
  element("status").textContent = count === files.length
    ? `${number(count)} Files`
    : `${number(count)} of ${number(files.length)} Files`;
  for (const head of document.querySelectorAll("th[data-key]")) {
    if (head.dataset.key !== sortKey) head.removeAttribute("aria-sort");
    else {
      head.setAttribute("aria-sort", descending ? "descending" : "ascending");
    }
  }
}

function rowOf(row) {
  return row.dir ? dirRow(row) : fileRow(row);
}

function dirRow({ dir, depth }) {
  const row = document.createElement("tr");
  row.className = "dir";
  const cell = row.insertCell();
  cell.colSpan = 8;
  cell.className = "name";
  cell.style.setProperty("--depth", depth);
  const button = document.createElement("button");
  const isOpen = open.has(dir.path);
  button.type = "button";
  button.setAttribute("aria-expanded", isOpen);
  button.textContent = dir.name;
  button.addEventListener("click", () => {
    if (isOpen) open.delete(dir.path);
    else open.add(dir.path);
    show();
    focusDir(dir);
  });
  const count = document.createElement("span");
  count.className = "quiet";
  count.textContent = ` ${dir.count}`;
  button.dataset.path = dir.path;
  cell.append(button, count);
  return row;
}

/** The button that was pressed is another one now. */
function focusDir({ path }) {
  const buttons = document.querySelectorAll(".dir button");
  [...buttons].find((one) => one.dataset.path === path)?.focus();
}

function fileRow({ file, depth, isFound }) {
  const row = document.createElement("tr");
  const name = row.insertCell();
  name.className = "name";
  name.style.setProperty("--depth", depth);
  const title = document.createElement(file.hasPage ? "a" : "span");
  if (file.hasPage) title.href = `files/${file.id}/index.html`;
  title.textContent = isFound ? file.path : file.name;
  const id = document.createElement("code");
  id.className = "quiet";
  id.textContent = file.id;
  name.append(title, id);
  row.insertCell().textContent = file.type;
  const state = row.insertCell();
  state.textContent = file.state;
  state.className = file.state === "complete" ? "good" : "bad";
  for (const key of Object.keys(LABELS)) {
    const cell = row.insertCell();
    const value = file[key];
    cell.textContent = value === 0 ? "" : value.toLocaleString("en");
    cell.dataset.label = LABELS[key];
    if (NUMBERS.includes(key)) cell.className = "number";
  }
  return row;
}

function restart() {
  limit = ROWS;
  show();
}

element("query").addEventListener("input", restart);
element("types").addEventListener("change", restart);
element("more").addEventListener("click", () => {
  limit += ROWS;
  show();
});
for (const head of document.querySelectorAll("th[data-key]")) {
  head.querySelector("button").addEventListener("click", () => {
    const { key } = head.dataset;
    const isSame = key === sortKey;
    descending = isSame ? !descending : NUMBERS.includes(key);
    sortKey = key;
    restart();
  });
}
document.addEventListener("keydown", (event) => {
  const query = element("query");
  if (event.key === "/" && document.activeElement !== query) {
    event.preventDefault();
    query.focus();
  } else if (event.key === "Escape" && query.value !== "") {
    query.value = "";
    restart();
  }
});
show();
