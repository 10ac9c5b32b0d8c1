/** Writes completions for shells from the table of options. */
import {
  type Command,
  COMMANDS,
  type Option,
  type OptionKey,
  optionName,
  optionOf,
  OPTIONS,
  optionsOf,
} from "./options.ts";

const NAMES = Object.keys(COMMANDS) as Command[];
const KEYS = Object.keys(OPTIONS) as OptionKey[];

/**
 * Writes the script that makes a shell complete `hl-export`.
 *
 * @param shell `bash`, `zsh` or `fish`.
 */
export function completionScript(shell: string): string {
  if (shell === "fish") return fishScript();
  if (shell === "bash") return bashScript();
  return `#compdef hl-export
autoload -U +X bashcompinit && bashcompinit
${bashScript()}`;
}

function bashScript(): string {
  const values = KEYS.filter((key) => OPTIONS[key].value !== undefined)
    .map((key) => {
      const { complete = [] } = OPTIONS[key];
      return `    --${optionName(key)}) ${bashReply(complete)}; return ;;`;
    });
  // Options that differ in one command come before those of all.
  const own = NAMES.flatMap((name) =>
    KEYS.flatMap((key) => {
      const complete = COMMANDS[name].own?.[key]?.complete;
      if (complete === undefined) return [];
      const option = `"${name} --${optionName(key)}"`;
      return [`    ${option}) ${bashReply(complete)}; return ;;`];
    })
  );
  const commands = NAMES.map((name) => {
    const words = optionsOf(name).map((key) => `--${optionName(key)}`);
    const { operand } = COMMANDS[name];
    const operands = operand && bashReply(operand.words ?? "directory");
    return `    ${name}) options="${words.join(" ")}"; operands() { ${
      operands ?? ":"
    }; } ;;`;
  });
  return `_hl_export() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]}
  local command=\${COMP_WORDS[1]} options
  COMPREPLY=()
  case "$command $prev" in
${own.join("\n")}
  esac
  case $prev in
${values.join("\n")}
    help) COMPREPLY=($(compgen -W "${NAMES.join(" ")}" -- "$cur")); return ;;
  esac
  case $command in
    ${NAMES.join("|")}) ;;
    *) command=export ;;
  esac
  case $command in
${commands.join("\n")}
  esac
  if [[ $cur == -* ]]; then
    COMPREPLY=($(compgen -W "$options" -- "$cur"))
  elif [[ $COMP_CWORD == 1 ]]; then
    COMPREPLY=($(compgen -W "${NAMES.join(" ")} help" -- "$cur"))
  else
    operands
  fi
}
complete -o filenames -F _hl_export hl-export
`;
}

function bashReply(complete: NonNullable<Option["complete"]>): string {
  if (complete.length === 0) return ":";
  const source = complete === "directory"
    ? "-d"
    : complete === "file"
    ? "-f"
    : `-W "${(complete as readonly string[]).join(" ")}"`;
  return `COMPREPLY=($(compgen ${source} -- "$cur"))`;
}

function fishScript(): string {
  const lines = ["complete -c hl-export -f"];
  const add = (when: string, rest: string) =>
    lines.push(`complete -c hl-export -n ${quoted(when)} ${rest}`);
  for (const [name, { summary }] of Object.entries(COMMANDS)) {
    add("__fish_use_subcommand", `-a ${name} -d ${quoted(summary)}`);
  }
  add("__fish_use_subcommand", "-a help -d 'all options of a command'");
  add("__fish_seen_subcommand_from help", `-a ${quoted(NAMES.join(" "))}`);
  const others = NAMES.filter((name) => name !== "export").join(" ");
  for (const name of NAMES) {
    const when = name === "export"
      ? `not __fish_seen_subcommand_from ${others} help`
      : `__fish_seen_subcommand_from ${name}`;
    const { operand } = COMMANDS[name];
    if (operand) add(when, `-a ${fishWords(operand.words ?? "directory")}`);
    for (const key of optionsOf(name)) {
      const { short, value, help, complete = [] } = optionOf(name, key);
      add(
        when,
        [
          `-l ${optionName(key)}`,
          ...short ? [`-s ${short}`] : [],
          ...value ? ["-x"] : [],
          ...complete.length > 0 ? [`-a ${fishWords(complete)}`] : [],
          `-d ${quoted(help.replaceAll("\n", " "))}`,
        ].join(" "),
      );
    }
  }
  return `${lines.join("\n")}\n`;
}

function fishWords(complete: NonNullable<Option["complete"]>): string {
  if (complete === "directory") return "'(__fish_complete_directories)'";
  if (complete === "file") return "'(__fish_complete_path)'";
  return quoted((complete as readonly string[]).join(" "));
}

/** Quotes a text for fish. */
function quoted(text: string): string {
  return `'${text.replace(/[\\']/g, "\\$&")}'`;
}
