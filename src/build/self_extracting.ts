/**
 * Makes one file that is a program on any machine of the same system: a small
 * shell head, then Deno and the bundled program, compressed. The head unpacks
 * both once into the user's cache, under their SHA-256, and starts them with
 * the permissions of the compiled program. The API key is in its environment,
 * so it never starts a file that somebody else could have put there.
 */
import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { concat } from "../core/text/bytes.ts";
import { PROGRAM_NAME } from "../core/runtime/version.ts";

/** What goes into the file. */
export interface Parts {
  readonly version: string;
  /** The system: `x86_64-unknown-linux-gnu`. */
  readonly target: string;
  /** Deno's executable. */
  readonly deno: Uint8Array;
  /** The program, bundled. */
  readonly program: Uint8Array;
  /** Options of `deno run`. */
  readonly options: readonly string[];
}

/** The length of the shell head, so that it knows where the rest begins. */
const HEAD_BYTES = 8192;

/** Puts the file together; the same parts give the same bytes. */
export function selfExtracting(parts: Parts): Uint8Array {
  const deno = gzipSync(parts.deno);
  const program = gzipSync(parts.program);
  const head = headOf(parts, deno.length, program.length);
  const text = new TextEncoder().encode(head);
  if (text.length > HEAD_BYTES) throw new Error("the shell head is too long");
  const padded = new Uint8Array(HEAD_BYTES).fill("\n".charCodeAt(0));
  padded.set(text);
  return concat([padded, deno, program]);
}

function headOf(parts: Parts, denoLength: number, length: number): string {
  const { version, target, deno, program, options } = parts;
  const denoSum = sumOf(deno);
  const programSum = sumOf(program);
  const id = sumOf(new TextEncoder().encode(denoSum + programSum)).slice(0, 16);
  return `#!/bin/sh
# hl-export ${version} for ${target}: this head, then Deno and the program,
# compressed. It unpacks them once into the cache and starts them.
set -u
fail() { printf 'hl-export: %s\\n' "$1" >&2; exit 1; }
# Whether a file has this SHA-256.
has_sum() {
  wanted=$2
  if command -v sha256sum >/dev/null 2>&1; then set -- $(sha256sum <"$1")
  else set -- $(shasum -a 256 <"$1"); fi
  [ "\${1:-}" = "$wanted" ]
}
elsewhere='set XDG_CACHE_HOME to another place'
uid=$(id -u)
# Whether this user alone (or root) can put files into all of these directories.
own() {
  ls -ldn "$@" 2>/dev/null | {
    seen=0
    while read -r mode links owner rest; do
      case $mode in ?????w* | ????????w*) exit 1 ;; esac
      [ "$owner" = "$uid" ] || [ "$owner" = 0 ] || exit 1
      seen=$((seen + 1))
    done
    [ "$seen" = $# ]
  }
}
use() {
  dir=$1/hl-export/${id}
  own "$1/." "$1/hl-export/." "$dir/." && return
  for dir in "$1" "$1/hl-export" "$dir"; do
    [ -d "$dir" ] || (umask 077 && mkdir -p "$dir") 2>/dev/null ||
      fail "cannot make $dir; $elsewhere"
    own "$dir/." || return 1
  done
}
cache=\${XDG_CACHE_HOME:-\${HOME:-}/.cache}
[ -z "\${XDG_CACHE_HOME:-}" ] && [ "$(uname -s)" = Darwin ] &&
  cache=\${HOME:-}/Library/Caches
if ! use "$cache"; then
  shared=$dir
  temp=\${TMPDIR:-/tmp}
  private=$temp/hl-export-$uid
  case $(ls -ld "$temp/.") in ?????????[tT]*) ;; *) own "$temp/." ;; esac &&
    [ ! -h "$private" ] && use "$private" ||
    fail "others may write to $shared and to $private; $elsewhere"
  printf 'hl-export: warning: others may write to %s: using %s\\n' \\
    "$shared" "$private" >&2
fi
# What a start left that was killed while it unpacked.
for part in "$dir"/*.part.*; do
  [ ! -e "$part" ] || kill -0 "\${part##*.}" 2>/dev/null || rm -f "$part"
done
# What changes whenever a file does: its node, size, time of change and rights.
state() {
  stat -c '%i %s %z %a %u' "$1" 2>/dev/null ||
    stat -f '%i %z %Fc %Lp %u' "$1" 2>/dev/null
}
unpack() {
  part=$dir/$1.part.$$
  trap 'rm -f "$part"' EXIT
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 143' TERM
  { tail -c "+$2" "$0" | head -c "$3" | gzip -dc >"$part"; } 2>/dev/null ||
    fail "cannot unpack $0 into $dir: too little space there, or the file is damaged; free ${
    Math.ceil(deno.length / 1e6)
  } MB, download it again, or $elsewhere"
  has_sum "$part" "$4" ||
    fail "$0 is damaged: its parts are not what was built; download it again"
  chmod 700 "$part"
  [ "$1" != deno ] || "$part" --version >/dev/null 2>&1 ||
    fail "programs in $dir may not run (mounted noexec?); $elsewhere"
  mv -f "$part" "$dir/$1" || fail "cannot write $dir; $elsewhere"
}
# Deno is too large for its sum to be checked at every start: that is done when it
# changed since the last time. The program's sum is checked at every start.
known=
now=$(state "$dir/deno")
[ -r "$dir/deno.checked" ] && read -r known <"$dir/deno.checked"
if [ -z "$now" ] || [ "$now" != "$known" ]; then
  [ -x "$dir/deno" ] && has_sum "$dir/deno" ${denoSum} ||
    unpack deno ${HEAD_BYTES + 1} ${denoLength} ${denoSum}
  state "$dir/deno" >"$dir/deno.checked"
fi
[ -r "$dir/${PROGRAM_NAME}" ] && has_sum "$dir/${PROGRAM_NAME}" ${programSum} ||
  unpack ${PROGRAM_NAME} ${HEAD_BYTES + 1 + denoLength} ${length} ${programSum}
trap - EXIT HUP INT TERM
# The network as far as is known before the program reads its settings.
net=--allow-net
url=\${HUMANLOOP_API_URL:-https://api.humanloop.com}
host=\${url#*://}
host=\${host%%/*}
case " $* " in *' --api-url'* | *' --env-file'* | *' --resume'*) host= ;; esac
[ -e .env ] && host=
case $host in '' | *[!A-Za-z0-9.:-]*) ;; *) net=--allow-net=$host ;; esac
case "\${1:-} $* " in
  demo* | browse*) net=--allow-net=127.0.0.1 ;;
  verify*' --remote '* | verify*' --repair '*) net=--allow-net ;;
  otlp*' --endpoint'*) net=--allow-net ;;
  verify* | database* | otlp*) net=--deny-net ;;
esac
export DENO_DIR="$dir/deno_dir" DENO_NO_UPDATE_CHECK=1
exec "$dir/deno" run "$net" ${
    options.filter((option) => option !== "--allow-net").join(" ")
  } "$dir/${PROGRAM_NAME}" "$@"
`;
}

function sumOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
