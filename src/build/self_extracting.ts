/**
 * One file that is a program on any machine of the same system: a small shell
 * head, then Deno and the bundled program, compressed. The head unpacks both once
 * into the user's cache, under the sum of what it unpacks, and starts them with
 * the permissions of the compiled program.
 */
import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { concat } from "../core/bytes.ts";
import { PROGRAM_NAME } from "../core/program_name.ts";

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

/** The shell head has this length, so that it knows where the rest begins. */
const HEAD_BYTES = 4096;

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
sum() {
  if command -v sha256sum >/dev/null 2>&1; then sha256sum <"$1"
  else shasum -a 256 <"$1"; fi | cut -c1-64
}
cache=\${XDG_CACHE_HOME:-\${HOME:-}/.cache}
[ -z "\${XDG_CACHE_HOME:-}" ] && [ "$(uname -s)" = Darwin ] &&
  cache=\${HOME:-}/Library/Caches
dir=$cache/hl-export/${id}
elsewhere='set XDG_CACHE_HOME to another place'
unpack() {
  (umask 077 && mkdir -p "$dir") 2>/dev/null ||
    fail "cannot make $dir; $elsewhere"
  part=$dir/$1.$$
  trap 'rm -f "$part"' EXIT
  { tail -c "+$2" "$0" | head -c "$3" | gzip -dc >"$part"; } 2>/dev/null ||
    fail "cannot unpack $0 into $dir: too little space there, or the file is damaged; free ${
    Math.ceil(deno.length / 1e6)
  } MB, download it again, or $elsewhere"
  [ "$(sum "$part")" = "$4" ] ||
    fail "$0 is damaged: its parts are not what was built; download it again"
  chmod 700 "$part"
}
place() { mv -f "$part" "$dir/$1" || fail "cannot write $dir; $elsewhere"; }
size=0
[ -x "$dir/deno" ] && size=$(wc -c <"$dir/deno")
if [ "$size" -ne ${deno.length} ]; then
  unpack deno ${HEAD_BYTES + 1} ${denoLength} ${denoSum}
  "$part" --version >/dev/null 2>&1 ||
    fail "programs in $dir may not run (mounted noexec?); $elsewhere"
  place deno
fi
found=
[ -r "$dir/${PROGRAM_NAME}" ] && found=$(sum "$dir/${PROGRAM_NAME}")
if [ "$found" != ${programSum} ]; then
  unpack ${PROGRAM_NAME} ${HEAD_BYTES + 1 + denoLength} ${length} ${programSum}
  place ${PROGRAM_NAME}
fi
trap - EXIT
# The network as far as is known before the program reads its settings.
net=--allow-net
url=\${HUMANLOOP_API_URL:-https://api.humanloop.com}
host=\${url#*://}
host=\${host%%/*}
case " $* " in *' --api-url'* | *' --env-file'* | *' --resume'*) host= ;; esac
[ -e .env ] && host=
case $host in '' | *[!A-Za-z0-9.:-]*) ;; *) net=--allow-net=$host ;; esac
case "\${1:-} $* " in
  demo*) net=--allow-net=127.0.0.1 ;;
  verify*' --remote '*) net=--allow-net ;;
  verify*) net=--deny-net ;;
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
