// Shows the difference between two Versions, line by line; diff_lines.js comes before it.
const versions = JSON.parse(document.getElementById("data").textContent);

const TAGS = { "+": "ins", "-": "del" };

function show() {
  const [from, to] = ["from", "to"].map((id) =>
    versions[document.getElementById(id).value]
  );
  const lines = diffLines(from.text, to.text);
  const count = (sign) => lines.filter(([one]) => one === sign).length;
  const [removed, added] = [count("-"), count("+")];
  document.getElementById("difference").textContent = removed + added === 0
    ? `${from.name} and ${to.name} are the same.`
    : `${removed} lines of ${from.name} are not in ${to.name}, ${added} are new.`;
  const rows = removed + added === 0
    ? []
    : foldLines(lines).map(([sign, line]) => {
      const row = document.createElement("tr");
      row.className = { "+": "added", "-": "removed", "…": "fold" }[sign] ?? "";
      row.insertCell().textContent = sign;
      const text = document.createElement(TAGS[sign] ?? "span");
      text.textContent = line;
      row.insertCell().append(text);
      return row;
    });
  document.getElementById("diff").replaceChildren(...rows);
}

if (versions.length > 1) {
  for (const id of ["from", "to"]) {
    document.getElementById(id).addEventListener("change", show);
  }
  show();
}
